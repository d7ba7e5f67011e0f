// Time and randomness, passed in so that tests can hold them still.

export interface Surroundings {
    /** A random number from 0 to 1. */
    random(): number;
    /** Milliseconds of a clock that only moves forward. */
    now(): number;
    /**
     * Waits, or rejects with the reason of `signal` once it is aborted. With `untilOnline` a browser that comes back to the
     * network ends the wait.
     */
    sleep(milliseconds: number, signal?: AbortSignal, untilOnline?: boolean): Promise<void>;
}

export const REAL: Surroundings = {
    random: () => Math.random(),
    now: () => performance.now(),
    sleep(milliseconds, signal, untilOnline = false) {
        return new Promise((resolve, reject) => {
            if (signal?.aborted) return reject(signal.reason);
            const end = (settle: () => void) => () => {
                clearTimeout(timer);
                signal?.removeEventListener('abort', stop);
                if (untilOnline) globalThis.removeEventListener?.('online', done);
                settle();
            };
            const done = end(resolve);
            const stop = end(() => reject(signal?.reason));
            const timer = setTimeout(done, milliseconds);
            signal?.addEventListener('abort', stop);
            if (untilOnline) globalThis.addEventListener?.('online', done);
        });
    },
};

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/**
 * Milliseconds to wait after the failure with this number, from 0: a random time up to 0.5 s, 1 s, 2 s, … 30 s, so that
 * clients which failed together do not return together. With `atLeast` (seconds of `Retry-After`) the random time comes on top.
 */
export function backoff(failure: number, random: number, atLeast = 0): number {
    const most = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(failure, 16));
    return atLeast * 1000 + random * most;
}
