import type { Exchange } from '../api/exchange';

export const LANGUAGES = ['curl', 'fetch', 'python'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The part of a request that a snippet repeats. */
export type Repeated = Pick<Exchange, 'url' | 'accept'>;

/** A text in single quotes of a POSIX shell. */
function shell(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
}

function headers({ accept }: Repeated): [string, string][] {
    return accept && accept !== 'application/json' ? [['Accept', accept]] : [];
}

/** Writes a request in a language. Without a `token` the snippet reads it from the environment. */
export function snippet(language: Language, request: Repeated, token: string | null): string {
    switch (language) {
        case 'curl':
            return curl(request, token);
        case 'fetch':
            return javascript(request, token);
        case 'python':
            return python(request, token);
    }
}

function curl(request: Repeated, token: string | null): string {
    const authorization = token ? shell(`Authorization: Bearer ${token}`) : '"Authorization: Bearer $TOKEN"';
    const more = headers(request).map(([name, value]) => `  -H ${shell(`${name}: ${value}`)} \\\n`);
    return `curl -s --compressed -H ${authorization} \\\n${more.join('')}  ${shell(request.url)}`;
}

function javascript(request: Repeated, token: string | null): string {
    const authorization = token ? JSON.stringify(`Bearer ${token}`) : '`Bearer ${token}`';
    const more = headers(request).map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('');
    return [
        `const answer = await fetch(${JSON.stringify(request.url)}, {`,
        `  headers: { Authorization: ${authorization}${more} },`,
        '});',
        'if (!answer.ok) throw new Error((await answer.json()).detail);',
        `const ${isText(request) ? 'text = await answer.text()' : 'page = await answer.json()'};`,
    ].join('\n');
}

function python(request: Repeated, token: string | null): string {
    const authorization = token ? JSON.stringify(`Bearer ${token}`) : `f"Bearer {os.environ['TOKEN']}"`;
    const more = headers(request).map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('');
    const url = new URL(request.url);
    const parameters = [...url.searchParams].map(([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
    return [
        ...(token ? [] : ['import os', '']),
        'import httpx',
        '',
        'answer = httpx.get(',
        `    ${JSON.stringify(url.origin + url.pathname)},`,
        ...(parameters.length > 0 ? ['    params={', ...parameters, '    },'] : []),
        `    headers={"Authorization": ${authorization}${more}},`,
        ')',
        'answer.raise_for_status()',
        `${isText(request) ? 'text = answer.text' : 'page = answer.json()'}`,
    ].join('\n');
}

/** Whether the answer is read as a text: CSV, lines of JSON, a stream of events, metrics. */
function isText({ url, accept }: Repeated): boolean {
    const address = new URL(url);
    return accept?.startsWith('text/') || /format=(csv|ndjson)/.test(address.search) || address.pathname.endsWith('/metrics');
}
