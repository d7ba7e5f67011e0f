/** The time that an answer took in each tier, in milliseconds; absent for a tier that was not asked. */
export interface TierTimes {
    hot?: number;
    cold?: number;
}

/** A request of this page and how it was answered. */
export interface Exchange {
    number: number;
    /** When it began, in milliseconds since 1970. */
    at: number;
    view: View;
    method: string;
    url: string;
    accept: string | null;
    /** The body, as JSON. */
    body: string | null;
    /** 0 without an answer. */
    status: number;
    /** Milliseconds until the header of the answer. */
    ms: number;
    tiers: TierTimes;
    requestId: string | null;
}

/** Whether a request changed something. */
export function isChange({ method }: Pick<Exchange, 'method'>): boolean {
    return method !== 'GET';
}

export type View = 'chat' | 'charts' | 'tiers';

/** Returns the view that a path belongs to. */
export function viewOf(path: string): View {
    if (/\/(api\/stocks|udf)(\/|\?|$)/.test(path)) return 'charts';
    if (/\/(api\/archive|health|api\/health|metrics)(\/|\?|$)/.test(path)) return 'tiers';
    return 'chat';
}

/** Whether a request is a probe, which a view repeats for its lamps. */
export function isProbe(path: string): boolean {
    return /\/(health|api\/health|metrics)$/.test(path);
}

/** Reads `Server-Timing: hot;dur=1.2;desc="1 asked", cold;dur=3.4`. */
export function tierTimes(header: string | null): TierTimes {
    const times: TierTimes = {};
    for (const part of header?.split(',') ?? []) {
        const found = /^\s*(hot|cold)\s*;.*?\bdur=([0-9.]+)/.exec(part);
        if (found) times[found[1] as 'hot' | 'cold'] = Number(found[2]);
    }
    return times;
}
