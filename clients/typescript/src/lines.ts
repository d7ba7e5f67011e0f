// Bytes of a stream into lines of text.

/** Yields the lines of a body, without their ends (`\n`, `\r\n` or `\r`), also the last one without an end. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
    const decoder = new TextDecoder();
    const reader = body.getReader();
    let rest = '';
    try {
        for (;;) {
            const { done, value } = await reader.read();
            rest += done ? decoder.decode() : decoder.decode(value, { stream: true });
            // A `\r` at the very end may be the first half of `\r\n`.
            const complete = !done && rest.endsWith('\r') ? rest.slice(0, -1) : rest;
            const lines = complete.split(/\r\n|\n|\r/);
            rest = (lines.pop() ?? '') + rest.slice(complete.length);
            yield* lines;
            if (done) break;
        }
        if (rest) yield rest;
    } finally {
        await reader.cancel().catch(() => undefined);
    }
}
