import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { backoff, REAL } from '../../src/surroundings.js';
import { BOUND } from '../fake.js';

const HOUR = 3_600_000;

/** Gives the process the events of a browser's window. */
function browser(t: TestContext): EventTarget {
    const target = new EventTarget();
    for (const name of ['addEventListener', 'removeEventListener'] as const)
        Object.defineProperty(globalThis, name, { value: target[name].bind(target), configurable: true });
    t.after(() => {
        Reflect.deleteProperty(globalThis, 'addEventListener');
        Reflect.deleteProperty(globalThis, 'removeEventListener');
    });
    return target;
}

test('waits grow to half a minute and are at least Retry-After', () => {
    const longest = [0, 1, 2, 5, 6, 7, 100].map((failure) => backoff(failure, 1));
    assert.deepEqual(longest, [500, 1000, 2000, 16_000, 30_000, 30_000, 30_000]);
    assert.equal(backoff(0, 0), 0);
    assert.equal(backoff(0, 1, 7), 7500);
});

test('a browser that comes back to the network ends the wait', BOUND, async (t) => {
    const window = browser(t);
    const wait = REAL.sleep(HOUR, undefined, true);
    window.dispatchEvent(new Event('online'));
    await wait;
});

test('a wait without a network ends with its time or its signal', BOUND, async (t) => {
    const window = browser(t);
    const controller = new AbortController();
    const wait = REAL.sleep(HOUR, controller.signal);
    window.dispatchEvent(new Event('online'));
    controller.abort(new Error('enough'));
    await assert.rejects(wait, { message: 'enough' });
    await assert.rejects(REAL.sleep(HOUR, controller.signal), { message: 'enough' });
    await REAL.sleep(1);
});
