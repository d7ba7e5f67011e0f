import type { Message } from '../api/client';
import type { Item } from './window';

/** The widest part of the list that a message takes, and the pixels around its text. */
const PART = 0.74;
const AROUND = 26;
const LINE = 21;
/** The mean width of a letter, in pixels; Chinese ones are twice as wide. */
const LETTER = 7.4;
/** Lines that are shown before the rest of a message is asked for. */
export const MOST_LINES = 18;

/** Estimates the height of an entry before it is drawn, in pixels. */
export function estimate(item: Item | undefined, width: number): number {
    if (item === undefined) return 44;
    if (item.kind === 'day') return 46;
    if (item.kind === 'waterline') return 50;
    if (item.kind === 'beginning') return 64;
    return linesOf(item.row, width) * LINE + AROUND + (item.begins ? 10 : 2);
}

/** The lines of messages that were estimated. Every page that arrives asks for those of the whole window again. */
const known = new WeakMap<Message, { width: number; lines: number }>();

function linesOf(row: Message, width: number): number {
    const before = known.get(row);
    if (before?.width === width) return before.lines;
    const letters = Math.max(10, (Math.min(width * PART, 620) - 28) / LETTER);
    let lines = 0;
    for (const line of row.content.split('\n', MOST_LINES + 1)) lines += Math.max(1, Math.ceil(widthOf(line) / letters));
    lines = Math.min(lines, MOST_LINES);
    known.set(row, { width, lines });
    return lines;
}

/** Letters that the narrowest line holds at least. */
const FEWEST = 8;

/** Whether a message may have more lines than are shown at first. To know it, one has to look. */
export function mayBeLong(text: string): boolean {
    return text.length / FEWEST + text.split('\n', MOST_LINES + 1).length > MOST_LINES;
}

/** The width of a line, in letters. Only the beginning of a long one matters. */
function widthOf(line: string): number {
    let wide = 0;
    const end = Math.min(line.length, 2_000);
    for (let at = 0; at < end; at += 1) wide += line.charCodeAt(at) >= 0x2e80 ? 2 : 1;
    return wide;
}
