// How long answers to this page took, by the tiers that were asked, over the last hour.
import { useSyncExternalStore } from 'react';
import type { TierTimes } from '../api/exchange';
import { Store } from '../store';

const HOUR = 3_600_000;
/** Answers that are kept. */
const KEPT = 5_000;

export const GROUPS = ['hot', 'cold', 'both'] as const;
export type Group = (typeof GROUPS)[number];

interface Answered {
    at: number;
    group: Group;
    /** The time in the tier; of an answer that needed both, from the request to the answer. */
    ms: number;
}

export interface Latency {
    count: number;
    p50: number;
    p95: number;
    /** The times in the order of the answers. */
    times: number[];
}

/** Returns the value below which a part of ascending values lies. */
export function quantile(sorted: readonly number[], part: number): number {
    return sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? NaN;
}

/** Returns the group of an answer; null when it needed no tier. */
export function groupOf(tiers: TierTimes): Group | null {
    if (tiers.hot !== undefined && tiers.cold !== undefined) return 'both';
    if (tiers.hot !== undefined) return 'hot';
    return tiers.cold !== undefined ? 'cold' : null;
}

/** The answers of the last hour. */
class Latencies extends Store {
    private answers: Answered[] = [];
    private summary: Partial<Record<Group, Latency>> = {};

    readonly current = () => this.summary;

    add(at: number, tiers: TierTimes, ms: number) {
        const group = groupOf(tiers);
        if (!group) return;
        const time = group === 'both' ? ms : (tiers[group] ?? 0);
        this.answers = [...this.answers.filter((answer) => answer.at > at - HOUR), { at, group, ms: time }].slice(-KEPT);
        this.summary = { ...this.summary, [group]: this.summarize(group) };
        this.tell();
    }

    private summarize(group: Group): Latency {
        const times = this.answers.filter((answer) => answer.group === group).map((answer) => answer.ms);
        const sorted = [...times].sort((a, b) => a - b);
        return { count: times.length, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), times };
    }
}

export const latencies = new Latencies();

export function useLatencies() {
    return useSyncExternalStore(latencies.subscribe, latencies.current);
}
