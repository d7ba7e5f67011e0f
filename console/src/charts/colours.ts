export interface Colours {
    ground: string;
    ink: string;
    faint: string;
    line: string;
    up: string;
    down: string;
    upWash: string;
    downWash: string;
    other: string;
    warm: string;
    cold: string;
}

const NAMES = {
    ground: '--surface',
    ink: '--ink',
    faint: '--ink-faint',
    line: '--line',
    up: '--up',
    down: '--down',
    other: '--warm',
    warm: '--warm-fill',
    cold: '--cold-fill',
} as const;

/** Reads the colours of the page as they are now: a canvas knows no variables. */
export function readColours(element: HTMLElement): Colours {
    const probe = document.createElement('span');
    element.append(probe);
    const read = (name: string) => {
        probe.style.color = `var(${name})`;
        return getComputedStyle(probe).color;
    };
    const colours = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, read(name)])) as Record<keyof typeof NAMES, string>;
    probe.remove();
    return { ...colours, upWash: faded(colours.up), downWash: faded(colours.down) };
}

/** Returns `rgb(1, 2, 3)` half transparent. */
function faded(colour: string): string {
    return colour.replace(/^rgba?\(([^,]+),([^,]+),([^,)]+).*$/, 'rgba($1,$2,$3, 0.45)');
}
