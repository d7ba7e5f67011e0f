import type { Exchange } from '../api/exchange';

export const LANGUAGES = ['curl', 'fetch', 'python'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The part of a request that a snippet repeats. */
export type Repeated = Pick<Exchange, 'method' | 'url' | 'accept' | 'body'>;

/** A text in single quotes of a POSIX shell. */
function shell(text: string): string {
    return `'${text.replaceAll("'", `'\\''`)}'`;
}

function headers({ accept, body }: Repeated): [string, string][] {
    return [
        ...(accept && accept !== 'application/json' ? [['Accept', accept] satisfies [string, string]] : []),
        ...(body !== null ? [['Content-Type', 'application/json'] satisfies [string, string]] : []),
    ];
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
    // A body makes it a POST.
    const body = request.body === null ? '' : `  -d ${shell(request.body)} \\\n`;
    return `curl -s --compressed -H ${authorization} \\\n${more.join('')}${body}  ${shell(request.url)}`;
}

function javascript(request: Repeated, token: string | null): string {
    const authorization = token ? JSON.stringify(`Bearer ${token}`) : '`Bearer ${token}`';
    const more = headers(request).map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('');
    return [
        `const answer = await fetch(${JSON.stringify(request.url)}, {`,
        ...(request.body === null ? [] : [`  method: ${JSON.stringify(request.method)},`]),
        `  headers: { Authorization: ${authorization}${more} },`,
        ...(request.body === null ? [] : [`  body: JSON.stringify(${request.body}),`]),
        '});',
        'if (!answer.ok) throw new Error((await answer.json()).detail);',
        `const ${isText(request) ? 'text = await answer.text()' : 'page = await answer.json()'};`,
    ].join('\n');
}

/** A value of JSON as Python writes it. */
function pythonic(value: unknown): string {
    if (value === null) return 'None';
    if (typeof value === 'boolean') return value ? 'True' : 'False';
    if (Array.isArray(value)) return `[${value.map(pythonic).join(', ')}]`;
    if (typeof value === 'object') return `{${Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pythonic(one)}`).join(', ')}}`;
    return JSON.stringify(value);
}

function python(request: Repeated, token: string | null): string {
    const authorization = token ? JSON.stringify(`Bearer ${token}`) : `f"Bearer {os.environ['TOKEN']}"`;
    // The client names the type of a body itself.
    const more = headers({ ...request, body: null }).map(([name, value]) => `, ${JSON.stringify(name)}: ${JSON.stringify(value)}`).join('');
    const url = new URL(request.url);
    const parameters = [...url.searchParams].map(([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
    return [
        ...(token ? [] : ['import os', '']),
        'import httpx',
        '',
        `answer = httpx.${request.method.toLowerCase()}(`,
        `    ${JSON.stringify(url.origin + url.pathname)},`,
        ...(parameters.length > 0 ? ['    params={', ...parameters, '    },'] : []),
        ...(request.body === null ? [] : [`    json=${pythonic(JSON.parse(request.body))},`]),
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
