import { describe, expect, it } from 'vitest';
import { EventParser } from './events';

describe('a stream of events', () => {
    const stream = ': hello\n\nid: t1\nevent: message\ndata: {"id":1}\n\nid: t2\nevent: erased\ndata: a\ndata: b\n\n:\n\ndata:x\r\n\r\n';

    it('is read whatever the pieces', () => {
        for (let size = 1; size <= stream.length; size += 1) {
            const parser = new EventParser();
            const events = [];
            for (let at = 0; at < stream.length; at += size) events.push(...parser.push(stream.slice(at, at + size)));
            expect(events, `pieces of ${size}`).toEqual([
                { id: 't1', event: 'message', data: '{"id":1}' },
                { id: 't2', event: 'erased', data: 'a\nb' },
                { id: 't2', event: 'message', data: 'x' },
            ]);
        }
    });

    it('gives nothing before an event is whole', () => {
        expect(new EventParser().push('data: {"id":1}\n')).toEqual([]);
    });
});
