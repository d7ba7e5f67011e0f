import { useEffect, useState } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const KEY = 'thermocline.theme';

function kept(): Theme {
    const value = localStorage.getItem(KEY);
    return THEMES.find((theme) => theme === value) ?? 'system';
}

/** The chosen theme, and how to change to the next one. */
export function useTheme(): [Theme, () => void] {
    const [theme, setTheme] = useState(kept);
    useEffect(() => {
        document.documentElement.dataset.theme = theme;
        localStorage.setItem(KEY, theme);
    }, [theme]);
    return [theme, () => setTheme(THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!)];
}

/** Calls back when the colours of the page change. */
export function useColourChange(onChange: () => void) {
    useEffect(() => {
        const media = matchMedia('(prefers-color-scheme: dark)');
        const observer = new MutationObserver(onChange);
        observer.observe(document.documentElement, { attributeFilter: ['data-theme'] });
        media.addEventListener('change', onChange);
        return () => {
            observer.disconnect();
            media.removeEventListener('change', onChange);
        };
    }, [onChange]);
}
