import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventsOf } from '../../src/events.js';
import { linesOf } from '../../src/lines.js';
import { collect } from '../fake.js';

/** A body that arrives in two pieces, cut at `place`. */
function body(bytes: Uint8Array, place: number): ReadableStream<Uint8Array> {
    return new ReadableStream({
        start(controller) {
            for (const part of [bytes.slice(0, place), bytes.slice(place)])
                if (part.length > 0) controller.enqueue(part);
            controller.close();
        },
    });
}

const TEXT =
    '\uFEFF: a comment\r\n\r\nid: 1\nevent: message\ndata: {"content":"溫躍層 \u{1F30A}"}\n\n' +
    'data:first\rdata: second\r\rid: 2\n\nretry: 10\nunknown: x\nevent: erased\ndata\nid: has\0nul\n\ndata: never finished';

test('events are the same wherever the bytes are cut', async () => {
    const bytes = new TextEncoder().encode(TEXT);
    for (let place = 0; place <= bytes.length; place += 1) {
        assert.deepEqual(
            await collect(eventsOf(linesOf(body(bytes, place)))),
            [
                { event: 'message', data: '{"content":"溫躍層 \u{1F30A}"}', id: '1' },
                { event: 'message', data: 'first\nsecond', id: '1' },
                { event: 'message', data: undefined, id: '2' },
                { event: 'erased', data: '', id: '2' },
            ],
            `cut at ${place}`,
        );
    }
});

test('lines keep everything but their ends', async () => {
    const bytes = new TextEncoder().encode('a\n\nb\r\nc\rd');
    for (let place = 0; place <= bytes.length; place += 1) {
        assert.deepEqual(
            await collect(linesOf(body(bytes, place))),
            ['a', '', 'b', 'c', 'd'],
            `cut at ${place}`,
        );
    }
});
