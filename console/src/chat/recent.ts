import type { Message } from '../api/client';

/** Changes that are kept. A page that is on its way for longer than these is read anew by the feed's own rules. */
const KEPT = 1_000;

type Change = { at: number; message: Message } | { at: number; erased: number };

/** The newest changes of the feed, for pages that were asked for before a change and arrive after it. */
class Recent {
    private changes: Change[] = [];
    private next = 0;

    /** Returns the number of the next change. */
    position(): number {
        return this.next;
    }

    add(message: Message) {
        this.push({ at: this.next, message });
    }

    addErased(id: number) {
        this.push({ at: this.next, erased: id });
    }

    since(position: number, conversation: number): Message[] {
        return this.changes.flatMap((change) =>
            'message' in change && change.at >= position && change.message.conversation_id === conversation ? [change.message] : [],
        );
    }

    erasedSince(position: number): number[] {
        return this.changes.flatMap((change) => ('erased' in change && change.at >= position ? [change.erased] : []));
    }

    private push(change: Change) {
        this.next += 1;
        this.changes.push(change);
        if (this.changes.length > KEPT) this.changes.splice(0, this.changes.length - KEPT);
    }
}

export const recent = new Recent();
