export interface Part {
    text: string;
    isFound: boolean;
}

/** Characters shown before the first find, and at most in all. */
const BEFORE = 40;
const MOST = 220;

/** Compares as the search does: ASCII letters without case, everything else exactly. */
function fold(text: string): string {
    return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** Returns the surroundings of the first place where `q` occurs, with every find in them marked. */
export function excerpt(content: string, q: string): Part[] {
    const folded = fold(content);
    const wanted = fold(q);
    const first = wanted === '' ? -1 : folded.indexOf(wanted);
    const start = Math.max(0, first - BEFORE);
    const end = Math.min(content.length, Math.max(start + MOST, first + q.length));
    const parts: Part[] = [];
    const add = (from: number, to: number, isFound: boolean) => {
        if (to > from) parts.push({ text: content.slice(from, to), isFound });
    };
    if (start > 0) parts.push({ text: '…', isFound: false });
    let at = start;
    for (let found = first; found >= 0 && found + wanted.length <= end; found = folded.indexOf(wanted, found + wanted.length)) {
        add(at, found, false);
        add(found, found + wanted.length, true);
        at = found + wanted.length;
    }
    add(at, end, false);
    if (end < content.length) parts.push({ text: '…', isFound: false });
    return parts;
}
