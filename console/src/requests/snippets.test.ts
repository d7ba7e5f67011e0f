import { describe, expect, it } from 'vitest';
import { snippet } from './snippets';

const get = { method: 'GET', body: null };
const request = { ...get, url: "http://127.0.0.1:8080/api/conversations/7/messages/search?q=it%27s+%22so%22&limit=20", accept: 'application/json' };

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
        const quoted = snippet('curl', { ...get, url: "http://a/api?q='$(x)'", accept: null }, null);
        expect(quoted).toContain(`'http://a/api?q='\\''$(x)'\\'''`);
    });

    it('repeat a change with its body', () => {
        const body = '{"resources":["posts"],"paused":true,"rows_per_second":null}';
        const change = { method: 'POST', url: 'http://a/api/archive/control', accept: 'application/json', body };
        expect(snippet('curl', change, null)).toContain(`-H 'Content-Type: application/json' \\\n  -d '${body}' \\\n  'http://a/api/archive/control'`);
        const script = snippet('fetch', change, null);
        expect(script).toContain('method: "POST"');
        expect(script).toContain(`body: JSON.stringify(${body})`);
        expect(script).toContain('"Content-Type": "application/json"');
        const program = snippet('python', change, null);
        expect(program).toContain('httpx.post(');
        expect(program).toContain('json={"resources": ["posts"], "paused": True, "rows_per_second": None}');
    });

    it('read texts as texts', () => {
        const csv = { ...get, url: 'http://a/api/stocks/symbols/2330/prices?format=csv', accept: 'text/csv' };
        expect(snippet('fetch', csv, null)).toContain('await answer.text()');
        expect(snippet('python', csv, null)).toContain('"format": "csv"');
        expect(snippet('curl', csv, null)).toContain("-H 'Accept: text/csv'");
    });
});
