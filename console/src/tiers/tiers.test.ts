import { describe, expect, it } from 'vitest';
import { groupOf, quantile } from './latency';
import { samples, tableBytes } from './metrics';
import { rateOf } from './rate';
import { tierTimes } from '../api/exchange';

describe('figures of the tiers', () => {
    it('read the time in each tier', () => {
        expect(tierTimes('hot;dur=1.250;desc="2 asked", cold;dur=10.5;desc="1 asked"')).toEqual({ hot: 1.25, cold: 10.5 });
        expect(tierTimes(null)).toEqual({});
        expect([groupOf({ hot: 1 }), groupOf({ cold: 0 }), groupOf({ hot: 1, cold: 2 }), groupOf({})]).toEqual(['hot', 'cold', 'both', null]);
    });

    it('are quantiles of what was measured', () => {
        const values = Array.from({ length: 100 }, (_, index) => index + 1);
        expect([quantile(values, 0.5), quantile(values, 0.95), quantile([7], 0.95)]).toEqual([50, 95, 7]);
        expect(quantile([], 0.5)).toBeNaN();
    });

    it('take sizes from the metrics, or none', () => {
        const text = '# TYPE thermocline_cold_table_bytes gauge\nthermocline_cold_table_bytes{table="a"} 100\nthermocline_cold_table_bytes{table="b\\"c"} 2e3\nthermocline_cold_table_bytes_more 5\n';
        expect(tableBytes(text)).toBe(2100);
        expect(samples(text, 'thermocline_cold_table_bytes')[0]).toEqual({ labels: { table: 'a' }, value: 100 });
        expect(tableBytes('thermocline_tier_up{tier="hot"} 1\n')).toBeNull();
    });

    it('have a rate only while rows move', () => {
        const look = (at: number, epoch: number, due: number) => ({ at, epoch, due });
        expect(rateOf([look(0, 5, 9_000), look(2_000, 7, 7_000), look(4_000, 9, 5_000)])).toBe(1_000);
        expect(rateOf([look(0, 5, 9_000), look(2_000, 5, 9_000)])).toBeNull();
        expect(rateOf([look(0, 5, 9_000)])).toBeNull();
        expect(rateOf([])).toBeNull();
    });
});
