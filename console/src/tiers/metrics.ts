// The few of the server's metrics that the page shows. The text format of Prometheus: `name{label="value"} 1.5`.

/** A server of a database. */
export interface Server {
    tier: string;
    /** `primary`, or `replica-1` and so on. */
    name: string;
    isUp: boolean;
    /** Moves that hot has committed and this server does not have yet; null where the server's metrics do not tell. */
    behind: number | null;
}

/** A step of a move. */
export interface Step {
    name: string;
    /** The mean time in a batch, in milliseconds. */
    ms: number;
}

export interface Figures {
    /** The size of all tables of cold, in bytes; null where the server does not tell. */
    bytes: number | null;
    servers: Server[];
    /** Rows that the audit has checked, and what was wrong with them; null without an audit. */
    audit: { rows: number; violations: number } | null;
    /** The steps of each resource that the schedule of this server has moved. */
    steps: ReadonlyMap<string, Step[]>;
}

interface Sample {
    labels: Record<string, string>;
    value: number;
}

/** The steps of a move, in their order. */
const STEPS = ['claim', 'settle', 'hot', 'cold', 'proof', 'commit'];

/** Returns the samples of a metric. */
export function samples(text: string, name: string): Sample[] {
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

const sumOf = (all: readonly Sample[]) => all.reduce((sum, { value }) => sum + value, 0);

function servers(text: string): Server[] {
    const lags = samples(text, 'thermocline_cold_epoch_lag');
    return samples(text, 'thermocline_tier_up').map(({ labels: { tier = '', server: name = '' }, value }) => {
        const behind = lags.filter(({ labels }) => tier === 'cold' && labels.server === name);
        return { tier, name, isUp: value === 1, behind: behind.length > 0 ? Math.max(...behind.map((lag) => lag.value)) : null };
    });
}

function stepsOf(text: string): Map<string, Step[]> {
    const seconds = samples(text, 'thermocline_archive_step_seconds_sum');
    const batches = samples(text, 'thermocline_archive_step_seconds_count');
    const steps = new Map<string, Step[]>();
    for (const name of STEPS) {
        for (const { labels, value } of seconds.filter((sample) => sample.labels.step === name)) {
            const resource = labels.resource ?? '';
            const count = sumOf(batches.filter((sample) => sample.labels.step === name && sample.labels.resource === resource));
            if (count > 0) steps.set(resource, [...(steps.get(resource) ?? []), { name, ms: (value / count) * 1000 }]);
        }
    }
    return steps;
}

/** Reads the figures of the page. */
export function figuresOf(text: string): Figures {
    const tables = samples(text, 'thermocline_cold_table_bytes');
    const audited = samples(text, 'thermocline_archive_audit_rows_total');
    return {
        bytes: tables.length > 0 ? sumOf(tables) : null,
        servers: servers(text),
        audit: audited.length > 0 ? { rows: sumOf(audited), violations: sumOf(samples(text, 'thermocline_archive_audit_violations_total')) } : null,
        steps: stepsOf(text),
    };
}
