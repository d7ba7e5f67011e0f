import type { ReactNode } from 'react';

/** Drawings in a square of 24, in the colour of the text. */
const DRAWINGS = {
    chat: <path d="M4 5.5h16v10.5H11l-4.5 3.5V16H4z" />,
    charts: <path d="M7 4v3m0 8v3M17 6v3m0 7v3M5 7h4v8H5zm10 2h4v7h-4z" />,
    tiers: <path d="M3 7c2.2-1.9 4-1.9 6 0s3.8 1.9 6 0 3.8-1.9 6 0M3 12.5c2.2-1.9 4-1.9 6 0s3.8 1.9 6 0 3.8-1.9 6 0M3 18c2.2-1.9 4-1.9 6 0s3.8 1.9 6 0 3.8-1.9 6 0" />,
    api: <path d="m8 7-5 5 5 5m8-10 5 5-5 5M13.5 5l-3 14" />,
    sun: <path d="M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2m0 15v2M2.5 12h2m15 0h2M5.3 5.3l1.4 1.4m10.6 10.6 1.4 1.4m0-13.4-1.4 1.4M6.700 17.300l-1.4 1.4" />,
    moon: <path d="M20 14.5A8.5 8.5 0 1 1 9.500 4a7 7 0 0 0 10.500 10.500z" />,
    system: <path d="M4 5h16v11H4zm5 15h6m-3-4v4" />,
    globe: <path d="M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM3 12h18M12 3c2.500 2.600 3.700 5.600 3.700 9s-1.200 6.400-3.700 9c-2.500-2.600-3.700-5.600-3.700-9S9.500 5.600 12 3z" />,
    out: <path d="M14 4H5v16h9m-4-8h11m-4-4 4 4-4 4" />,
    search: <path d="M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zM15.300 15.300 20.500 20.500" />,
    calendar: <path d="M4 6h16v14H4zm0 4.500h16M8.500 3.500V7m7-3.500V7" />,
    left: <path d="m14.500 5.500-6.500 6.500 6.500 6.500" />,
    right: <path d="m9.500 5.500 6.500 6.500-6.500 6.500" />,
    up: <path d="m5.500 14.500 6.500-6.500 6.500 6.500" />,
    down: <path d="m5.500 9.500 6.500 6.500 6.500-6.500" />,
    newest: <path d="M12 4v14m-6-6 6 6 6-6" />,
    oldest: <path d="M12 20V6m-6 6 6-6 6 6" />,
    copy: <path d="M8 8h12v12H8zM4 16V4h12" />,
    check: <path d="m4.500 12.500 5 5 10-11" />,
    download: <path d="M12 4v11m-5-4.500 5 5 5-5M4 20h16" />,
    close: <path d="m6 6 12 12M18 6 6 18" />,
    table: <path d="M4 5h16v14H4zm0 5h16M4 14.500h16M10 5v14" />,
    warning: <path d="M12 4 2.500 20h19zM12 10v4.500m0 2.500v.5" />,
    pause: <path d="M8.500 5v14m7-14v14" />,
    play: <path d="m7 5 12 7-12 7z" />,
} satisfies Record<string, ReactNode>;

export type IconName = keyof typeof DRAWINGS;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
    return (
        <svg
            className="icon"
            viewBox="0 0 24 24"
            width={size}
            height={size}
            fill="none"
            stroke="currentColor"
            strokeWidth="1.7"
            strokeLinecap="round"
            strokeLinejoin="round"
            aria-hidden="true"
        >
            {DRAWINGS[name]}
        </svg>
    );
}

/** The sign of the program: warm water above cold. */
export function Logo({ size = 34 }: { size?: number }) {
    return (
        <svg className="logo" viewBox="0 0 64 64" width={size} height={size} aria-hidden="true">
            <defs>
                <linearGradient id="logo-warm" x1="0" y1="0" x2="0" y2="1">
                    <stop offset="0" stopColor="#ffb38a" />
                    <stop offset="1" stopColor="#ff7f50" />
                </linearGradient>
                <linearGradient id="logo-cold" x1="0" y1="0" x2="0" y2="1">
                    <stop offset="0" stopColor="#2fa4c4" />
                    <stop offset="1" stopColor="#06324a" />
                </linearGradient>
                <clipPath id="logo-circle">
                    <circle cx="32" cy="32" r="30" />
                </clipPath>
            </defs>
            <g clipPath="url(#logo-circle)">
                <rect width="64" height="64" fill="url(#logo-warm)" />
                <path d="M0 30c8-6 14-6 22 0s14 6 22 0 14-6 20-1v37H0z" fill="url(#logo-cold)" />
                <path d="M0 30c8-6 14-6 22 0s14 6 22 0 14-6 20-1" fill="none" stroke="#fff" strokeOpacity=".85" strokeWidth="2.5" />
            </g>
        </svg>
    );
}
