// The format of `text/event-stream`, as the HTML standard defines it.

/** An event of a stream. Without `data` it moves the id alone. */
export interface ServerEvent {
    /** The name of the event, `message` by default. */
    event: string;
    data: string | undefined;
    /** The id of the newest event that had one. */
    id: string | undefined;
}

/** Yields the events in the lines of a stream, and an event without data for a block that holds an id alone. */
export async function* eventsOf(lines: AsyncIterable<string>): AsyncGenerator<ServerEvent, void, void> {
    let [event, data, id, touched] = ['', [] as string[], undefined as string | undefined, false];
    for await (const line of lines) {
        if (line === '') {
            if (data.length > 0) yield { event: event || 'message', data: data.join('\n'), id };
            else if (touched) yield { event: event || 'message', data: undefined, id };
            [event, data, touched] = ['', [], false];
            continue;
        }
        const colon = line.indexOf(':');
        // A line that begins with a colon is a comment.
        if (colon === 0) continue;
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (field === 'event') event = value;
        else if (field === 'data') data.push(value);
        else if (field === 'id' && !value.includes('\0')) [id, touched] = [value, true];
    }
}
