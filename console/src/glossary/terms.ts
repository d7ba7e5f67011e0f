// The project's glossary, as the server gives it: tables in Markdown whose rows begin with `| **term** | definition |`.

export interface Term {
    /** The word, without marks, in small letters: what links name. */
    id: string;
    name: string;
    definition: Piece[];
}

export interface Piece {
    kind: 'text' | 'code' | 'strong';
    text: string;
}

/** Returns the pieces of a line: `code`, **strong**, and text; of a link its text. */
export function pieces(line: string): Piece[] {
    const plain = line.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1');
    return plain
        .split(/(`[^`]*`|\*\*[^*]+\*\*)/)
        .filter((text) => text !== '')
        .map((text) => {
            if (text.startsWith('`')) return { kind: 'code', text: text.slice(1, -1) };
            if (text.startsWith('**')) return { kind: 'strong', text: text.slice(2, -2) };
            return { kind: 'text', text: text.replaceAll('*', '') };
        });
}

export function readTerms(markdown: string): Term[] {
    return markdown.split('\n').flatMap((line) => {
        const cells = line.split(/(?<!\\)\|/);
        const [, words = '', definition = ''] = cells;
        if (cells.length < 4 || !words.includes('**')) return [];
        const name = words.replace(/[*`]/g, '').trim();
        return [{ id: name.split(',')[0]!.toLowerCase().replaceAll(' ', '-'), name, definition: pieces(definition.trim()) }];
    });
}
