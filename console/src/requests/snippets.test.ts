import { describe, expect, it } from 'vitest';
import { snippet } from './snippets';

const request = { url: "http://127.0.0.1:8080/api/conversations/7/messages/search?q=it%27s+%22so%22&limit=20", accept: 'application/json' };

describe('snippets', () => {
    it('never hold the token unless it is given', () => {
        expect(snippet('curl', request, null)).toContain('Bearer $TOKEN');
        expect(snippet('fetch', request, null)).toContain('`Bearer ${token}`');
        expect(snippet('python', request, null)).toContain("os.environ['TOKEN']");
        for (const language of ['curl', 'fetch', 'python'] as const) {
            expect(snippet(language, request, 'a.b.c')).toContain('Bearer a.b.c');
        }
    });

    it('quote for the shell', () => {
        const quoted = snippet('curl', { url: "http://a/api?q='$(x)'", accept: null }, null);
        expect(quoted).toContain(`'http://a/api?q='\\''$(x)'\\'''`);
    });

    it('read texts as texts', () => {
        const csv = { url: 'http://a/api/stocks/symbols/2330/prices?format=csv', accept: 'text/csv' };
        expect(snippet('fetch', csv, null)).toContain('await answer.text()');
        expect(snippet('python', csv, null)).toContain('"format": "csv"');
        expect(snippet('curl', csv, null)).toContain("-H 'Accept: text/csv'");
    });
});
