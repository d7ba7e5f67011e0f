// A list that is walked by cursors, in either direction.

import type { CursorPage } from './types.js';

/** Parameters of one page of a walk. */
export interface Step {
    before?: string;
    after?: string;
    /** Asks for the oldest rows of the list. */
    oldest?: true;
}

interface Start {
    direction?: 'older' | 'newer';
    before?: string;
    after?: string;
}

/**
 * The rows of a list, read page by page as they are needed. Older-wards rows come newest first, newer-wards oldest first.
 * Each loop over it is a walk of its own, and no row comes twice while rows are added or moved.
 */
export class List<Row, Page extends CursorPage> implements AsyncIterable<Row> {
    readonly #read: (step: Step) => Promise<Page>;
    readonly #rows: (page: Page) => Row[];
    readonly #start: Start;

    /** @internal */
    constructor(read: (step: Step) => Promise<Page>, rows: (page: Page) => Row[], start: Start) {
        this.#read = read;
        this.#rows = rows;
        this.#start = start;
    }

    async *[Symbol.asyncIterator](): AsyncGenerator<Row, void, void> {
        for await (const page of this.pages()) {
            const rows = this.#rows(page);
            yield* this.#start.direction === 'newer' ? rows.reverse() : rows;
        }
    }

    /** The pages as the server gives them, each with its rows newest first. */
    pages(): AsyncGenerator<Page, void, void> {
        return this.#start.direction === 'newer' ? this.#newer() : this.#older();
    }

    async *#older(): AsyncGenerator<Page, void, void> {
        let before = this.#start.before;
        for (;;) {
            const page = await this.#read(before === undefined ? {} : { before });
            yield page;
            if (!page.has_more || !page.next || this.#isCut(page)) return;
            before = page.next;
        }
    }

    async *#newer(): AsyncGenerator<Page, void, void> {
        let after = this.#start.after;
        for (;;) {
            const page = await this.#read(after === undefined ? { oldest: true } : { after });
            yield page;
            if (!page.has_newer || this.#isCut(page)) return;
            after = page.prev;
        }
    }

    /** Whether the walk has come to the archive while that is away: every further page would be as empty. */
    #isCut(page: Page): boolean {
        return page.partial === true && this.#rows(page).length === 0;
    }
}
