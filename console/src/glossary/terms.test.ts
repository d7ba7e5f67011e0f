import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pieces, readTerms } from './terms';

describe('the glossary', () => {
    it('is read from the document of the project', () => {
        const terms = readTerms(readFileSync('../docs/glossary.md', 'utf8'));
        expect(terms.length).toBeGreaterThan(40);
        // Every figure of the tiers is explained by one of these.
        for (const id of ['hot', 'cold', 'epoch', 'due', 'reject', 'mover', 'move', 'batch', 'retention', 'held', 'cold-watermark', 'row', 'version', 'lag', 'rate', 'step', 'claim', 'pace', 'replica', 'violation', 'answer-time']) {
            expect(terms.map((term) => term.id), id).toContain(id);
        }
    });

    it('keeps code apart and drops links', () => {
        expect(pieces('A `x` **y** of [z](a.md).')).toEqual([
            { kind: 'text', text: 'A ' },
            { kind: 'code', text: 'x' },
            { kind: 'text', text: ' ' },
            { kind: 'strong', text: 'y' },
            { kind: 'text', text: ' of z.' },
        ]);
    });
});
