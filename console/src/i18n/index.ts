import { createContext, use, useMemo } from 'react';
import { en, type Key, type Texts } from './en';
import { zhHant } from './zh-hant';

export type Language = 'en' | 'zh-Hant';

const TEXTS: Record<Language, Texts> = { en, 'zh-Hant': zhHant };
const KEY = 'thermocline.language';

export function preferredLanguage(): Language {
    const kept = localStorage.getItem(KEY);
    if (kept === 'en' || kept === 'zh-Hant') return kept;
    return navigator.language.toLowerCase().startsWith('zh') ? 'zh-Hant' : 'en';
}

export function keepLanguage(language: Language) {
    localStorage.setItem(KEY, language);
}

export interface Translation {
    language: Language;
    t: (key: Key, values?: Record<string, string | number>) => string;
    number: (value: number) => string;
    /** A time of day. */
    time: (iso: string) => string;
    /** A day in words. */
    day: (iso: string) => string;
    /** A day in a few characters, or the time if it is today. */
    short: (iso: string) => string;
    /** A day and a time. */
    instant: (iso: string | number) => string;
}

export function translation(language: Language): Translation {
    const locale = language === 'en' ? 'en-GB' : 'zh-Hant-TW';
    const numbers = new Intl.NumberFormat(locale);
    const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    const day = new Intl.DateTimeFormat(locale, { weekday: 'long', year: 'numeric', month: 'long', day: 'numeric' });
    const thisYear = new Intl.DateTimeFormat(locale, { month: 'short', day: 'numeric' });
    const otherYear = new Intl.DateTimeFormat(locale, { year: 'numeric', month: '2-digit', day: '2-digit' });
    const instant = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });
    return {
        language,
        t: (key, values) => {
            let text = TEXTS[language][key];
            for (const [name, value] of Object.entries(values ?? {})) {
                text = text.replace(`{${name}}`, typeof value === 'number' ? numbers.format(value) : value);
            }
            return text;
        },
        number: (value) => numbers.format(value),
        time: (iso) => time.format(new Date(iso)),
        day: (iso) => day.format(new Date(iso)),
        short: (iso) => {
            const date = new Date(iso);
            const now = new Date();
            if (date.toDateString() === now.toDateString()) return time.format(date);
            return (date.getFullYear() === now.getFullYear() ? thisYear : otherYear).format(date);
        },
        instant: (value) => instant.format(new Date(value)),
    };
}

export const TranslationContext = createContext<Translation>(translation('en'));

export function useTranslation(): Translation {
    return use(TranslationContext);
}

export function useTranslationOf(language: Language): Translation {
    return useMemo(() => translation(language), [language]);
}
