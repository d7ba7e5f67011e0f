import { describe, expect, it } from 'vitest';
import { excerpt } from './excerpt';

const marked = (content: string, q: string) => excerpt(content, q).map(({ text, isFound }) => (isFound ? `[${text}]` : text)).join('');

describe('an excerpt', () => {
    it('marks every find, ASCII letters without case', () => {
        expect(marked('Lunch? lunch 台積電 LUNCH', 'lunch')).toBe('[Lunch]? [lunch] 台積電 [LUNCH]');
        expect(marked('Ä ä', 'ä')).toBe('Ä [ä]');
        expect(marked('a.b axb', '.')).toBe('a[.]b axb');
    });

    it('begins near the first find of a long message', () => {
        const text = marked(`${'x'.repeat(500)}here${'y'.repeat(500)}`, 'here');
        expect(text.startsWith('…x')).toBe(true);
        expect(text).toContain('[here]');
        expect(text.length).toBeLessThan(240);
    });

    it('holds a find that is longer than the rest', () => {
        expect(marked('a'.repeat(900), 'a'.repeat(900))).toBe(`[${'a'.repeat(900)}]`);
    });
});
