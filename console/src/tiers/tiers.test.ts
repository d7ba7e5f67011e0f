import { describe, expect, it } from 'vitest';
import type { ArchiveStatus, ResourceStatus } from '../api/client';
import { stateOf, withControls } from './control';
import { figuresOf, samples } from './metrics';
import { rateOf } from './rate';
import { spanOf } from './span';
import { tierTimes } from '../api/exchange';

describe('figures of the tiers', () => {
    it('read the time in each tier', () => {
        expect(tierTimes('hot;dur=1.250;desc="2 asked", cold;dur=10.5;desc="1 asked"')).toEqual({ hot: 1.25, cold: 10.5 });
        expect(tierTimes(null)).toEqual({});
    });

    it('take sizes from the metrics, or none', () => {
        const text = '# TYPE thermocline_cold_table_bytes gauge\nthermocline_cold_table_bytes{table="a"} 100\nthermocline_cold_table_bytes{table="b\\"c"} 2e3\nthermocline_cold_table_bytes_more 5\n';
        expect(figuresOf(text).bytes).toBe(2100);
        expect(samples(text, 'thermocline_cold_table_bytes')[0]).toEqual({ labels: { table: 'a' }, value: 100 });
        expect(figuresOf('')).toEqual({ bytes: null, servers: [], audit: null, steps: new Map() });
    });

    it('have a rate only while rows move', () => {
        const look = (at: number, epoch: number, due: number) => ({ at, epoch, due });
        expect(rateOf([look(0, 5, 9_000), look(2_000, 7, 7_000), look(4_000, 9, 5_000)])).toBe(1_000);
        expect(rateOf([look(0, 5, 9_000), look(2_000, 5, 9_000)])).toBeNull();
        expect(rateOf([look(0, 5, 9_000)])).toBeNull();
        expect(rateOf([])).toBeNull();
        // Rows became due, and then moved.
        expect(rateOf([look(0, 5, 0), look(5_000, 6, 300), look(10_000, 9, 200)])).toBe(20);
    });

    it('know every server, and how far it is behind', () => {
        const text = [
            'thermocline_tier_up{tier="hot",server="primary"} 1',
            'thermocline_tier_up{tier="cold",server="primary"} 1',
            'thermocline_tier_up{tier="cold",server="replica-1"} 0',
            'thermocline_cold_epoch_lag{resource="messages",server="primary"} 0',
            'thermocline_cold_epoch_lag{resource="messages",server="replica-1"} 3',
            'thermocline_cold_epoch_lag{resource="posts",server="replica-1"} 5',
        ].join('\n');
        expect(figuresOf(text).servers).toEqual([
            { tier: 'hot', name: 'primary', isUp: true, behind: null },
            { tier: 'cold', name: 'primary', isUp: true, behind: 0 },
            { tier: 'cold', name: 'replica-1', isUp: false, behind: 5 },
        ]);
    });

    it('tell the findings of an audit from none', () => {
        const text = 'thermocline_archive_audit_rows_total{resource="posts"} 40\nthermocline_archive_audit_rows_total{resource="prices"} 2\n';
        expect(figuresOf(text).audit).toEqual({ rows: 42, violations: 0 });
        expect(figuresOf(`${text}thermocline_archive_audit_violations_total{resource="posts",kind="missing"} 3\n`).audit?.violations).toBe(3);
    });

    it('have the mean of each step, in order', () => {
        const line = (step: string, sum: number, count: number) =>
            `thermocline_archive_step_seconds_bucket{resource="posts",step="${step}",le="+Inf"} ${count}\nthermocline_archive_step_seconds_sum{resource="posts",step="${step}"} ${sum}\nthermocline_archive_step_seconds_count{resource="posts",step="${step}"} ${count}\n`;
        expect(figuresOf(line('commit', 0.5, 10) + line('claim', 0.02, 10)).steps.get('posts')).toEqual([{ name: 'claim', ms: 2 }, { name: 'commit', ms: 50 }]);
        expect(figuresOf(line('claim', 0, 0)).steps.size).toBe(0);
    });

    const resource = (more: Partial<ResourceStatus>): ResourceStatus => ({
        resource: 'posts', epoch: 1, rows_in_hot: 5, due: 0, lag_days: 0, held: false, paused: false, rows_per_second: null,
        max_hot_latency_ms: null, rejects: { rows: 0, newest: [] }, cold: null, waits: [], ...more,
    });

    it('name the state of a mover', () => {
        const cold = { rows: 1, rows_exact: true, last: null, unconfirmed: [], floor: 0, mover: { name: 'a', since: '2026-11-20T02:00:00Z', epoch: 2 } };
        expect([{}, { due: 1 }, { due: 1, cold }, { due: 1, cold, held: true }, { due: 1, cold, held: true, paused: true }].map((more) => stateOf(resource(more), null)))
            .toEqual(['idle', 'waiting', 'moving', 'held', 'paused']);
        expect(stateOf(resource({ due: 1 }), 20)).toBe('moving');
        expect([spanOf(0.2), spanOf(120), spanOf(7_200)]).toEqual(['1 s', '2 min', '2.0 h']);
    });

    it('show what is asked of the movers at once', () => {
        const status: ArchiveStatus = { success: true, resources: [resource({}), resource({ resource: 'prices' })], latency: [] };
        const answer = { success: true, resources: [{ resource: 'posts', changed: true, paused: true, rows_per_second: 5, max_hot_latency_ms: null }] };
        expect(withControls(status, answer).resources.map(({ paused, rows_per_second }) => [paused, rows_per_second])).toEqual([[true, 5], [false, null]]);
    });
});
