// The few of the server's metrics that the page shows. The text format of Prometheus: `name{label="value"} 1.5`.

/** Returns the samples of a metric. */
export function samples(text: string, name: string): { labels: Record<string, string>; value: number }[] {
    const found = [];
    for (const line of text.split('\n')) {
        if (!line.startsWith(name)) continue;
        const match = /^([a-zA-Z_:]+)(?:\{(.*)\})? (\S+)/.exec(line);
        if (match?.[1] !== name) continue;
        const labels = Object.fromEntries([...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((label) => [label[1]!, label[2]!]));
        found.push({ labels, value: Number(match[3]) });
    }
    return found;
}

/** Returns the size of all tables of cold, in bytes; null where the server does not tell. */
export function tableBytes(text: string): number | null {
    const tables = samples(text, 'thermocline_cold_table_bytes');
    return tables.length === 0 ? null : tables.reduce((sum, { value }) => sum + value, 0);
}
