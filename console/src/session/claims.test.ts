import { describe, expect, it } from 'vitest';
import { pastedToken, readClaims } from './claims';

const token = (claims: object) => `x.${btoa(JSON.stringify(claims)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')}.y`;

describe('claims', () => {
    it('are read from either claim of the user', () => {
        expect(readClaims(token({ sub: '42', exp: 10 }))).toEqual({ subject: '42', expires: 10_000 });
        expect(readClaims(token({ user_id: 7 }))).toEqual({ subject: '7', expires: null });
    });

    it('are none of a text that is no token', () => {
        for (const text of ['', 'x.y', 'a.b.c', 'x.!!.y']) expect(readClaims(text)).toBeNull();
    });

    it('are found in what is pasted from a terminal', () => {
        for (const text of [' a.b.c\n', 'Bearer a.b.c', 'Authorization: Bearer a.b.c', '"Authorization: Bearer a.b.c"']) {
            expect(pastedToken(text)).toBe('a.b.c');
        }
    });
});
