// The speed of a mover, from looks at what is due.
import { useEffect, useRef, useState } from 'react';
import type { ResourceStatus } from '../api/client';

/** A look at a resource. */
export interface Look {
    at: number;
    epoch: number;
    due: number;
}

/** The time that a rate is taken over, in milliseconds. */
const OVER = 20_000;

/** Returns the due rows that move in a second, from looks in order; null while nothing moves. Rows that become due do not count. */
export function rateOf(looks: readonly Look[]): number | null {
    let [since, moved]: [number | null, number] = [null, 0];
    for (const [index, look] of looks.entries()) {
        const before = looks[index - 1];
        if (!before || before.epoch === look.epoch || before.due <= look.due) continue;
        since ??= before.at;
        moved += before.due - look.due;
    }
    const until = looks.at(-1)?.at ?? 0;
    return since === null || until <= since ? null : moved / ((until - since) / 1000);
}

/** The rates of the resources, from the looks at them so far. `at` is the time of the look. */
export function useRates(resources: readonly ResourceStatus[], at: number): ReadonlyMap<string, number | null> {
    const looks = useRef(new Map<string, Look[]>());
    const [rates, setRates] = useState<ReadonlyMap<string, number | null>>(new Map());
    useEffect(() => {
        for (const { resource, epoch, due } of resources) {
            const before = looks.current.get(resource) ?? [];
            if (before.at(-1)?.at === at) return;
            looks.current.set(resource, [...before.filter((look) => look.at > at - OVER), { at, epoch, due }]);
        }
        setRates(new Map([...looks.current].map(([resource, seen]) => [resource, rateOf(seen)])));
    }, [resources, at]);
    return rates;
}
