/** An event of a stream, as `text/event-stream` has it. */
export interface StreamEvent {
    id: string | null;
    event: string;
    data: string;
}

/** Takes events out of the text of a stream, which arrives in pieces. */
export class EventParser {
    private rest = '';
    private id: string | null = null;
    private event = '';
    private data: string[] = [];

    push(text: string): StreamEvent[] {
        const events: StreamEvent[] = [];
        const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
        this.rest = lines.pop() ?? '';
        for (const line of lines) {
            if (line !== '') {
                this.field(line);
                continue;
            }
            if (this.data.length > 0) events.push({ id: this.id, event: this.event || 'message', data: this.data.join('\n') });
            this.event = '';
            this.data = [];
        }
        return events;
    }

    private field(line: string) {
        const colon = line.indexOf(':');
        if (colon === 0) return;
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'id') this.id = value;
        if (name === 'event') this.event = value;
        if (name === 'data') this.data.push(value);
    }
}
