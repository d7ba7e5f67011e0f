// Checked by the compiler: the types a caller sees.

import { test } from 'node:test';
import { type Message, type MessageParameters, type PriceParameters, Thermocline } from '../../src/index.js';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const is = <_T extends true>() => undefined;

test('ids are numbers, or strings where the client asks for them', () => {
    is<Equal<Message['id'], number>>();
    is<Equal<Message<'string'>['sender_id'], string>>();
    is<Equal<Message<'string'>['is_read'], boolean>>();
    const numbers = () => new Thermocline({ url: '' }).message(1, 2);
    const strings = () => new Thermocline({ ids: 'string' }).conversationPage();
    is<Equal<Awaited<ReturnType<typeof numbers>>['id'], number>>();
    is<Equal<Awaited<ReturnType<typeof strings>>['conversations'][number]['user1_id'], string>>();
    type Other = Awaited<ReturnType<typeof strings>>['conversations'][number]['user2_id'];
    is<Equal<Other, string | null | undefined>>();
});

test('parameters are those of the description', () => {
    is<Equal<MessageParameters['count'], 'exact' | 'none' | undefined>>();
    is<Equal<MessageParameters['at'], string | Date | undefined>>();
    is<Equal<MessageParameters['around'], number | bigint | string | undefined>>();
    is<Equal<PriceParameters['interval'], 'day' | 'week' | 'month' | 'quarter' | 'year' | undefined>>();
    const client = new Thermocline();
    // @ts-expect-error: no such parameter.
    void (() => client.messagePage(1, { size: 3 }));
    // @ts-expect-error: a search has no oldest row to begin with.
    void (() => client.search(1, 'text', { direction: 'newer' }));
    // @ts-expect-error: a walk has one beginning.
    void (() => client.messages(1, { before: 'a', after: 'b' }));
});
