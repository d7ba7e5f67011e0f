import type { Latency } from '../api/client';
import { useTranslation } from '../i18n';
import type { Key } from '../i18n/en';
import { Explained } from './explained';

const NAMES: Record<Latency['tiers'], Key> = { hot: 'tiers.inHot', cold: 'tiers.inCold', both: 'tiers.needBoth' };

/** How long the answers of the server took over the last hour, to all its clients. */
export function LatencyPanel({ latency }: { latency: readonly Latency[] }) {
    const { t } = useTranslation();
    return (
        <section className="card" aria-labelledby="latency">
            <h3 id="latency"><Explained term="answer-time">{t('tiers.latency')}</Explained></h3>
            <p className="quiet">{t('tiers.latencyLead')}</p>
            <div className="latencies">
                {latency.map((one) => <Group key={one.tiers} latency={one} />)}
            </div>
        </section>
    );
}

function Group({ latency: { tiers, answers, p50_ms, p95_ms, p95_by_minute_ms } }: { latency: Latency }) {
    const { t, number } = useTranslation();
    return (
        <div className={`latency latency-${tiers}`}>
            <h4>{t(NAMES[tiers])}</h4>
            {p50_ms === null || p95_ms === null ? (
                <p className="quiet">{t('tiers.noAnswers')}</p>
            ) : (
                <>
                    <dl>
                        <div><dt>{t('tiers.median')}</dt><dd>{millis(p50_ms)}</dd></div>
                        <div><dt>{t('tiers.p95')}</dt><dd>{millis(p95_ms)}</dd></div>
                        <div><dt>{t('tiers.count')}</dt><dd>{number(answers)}</dd></div>
                    </dl>
                    <Minutes p95={p95_by_minute_ms} />
                    <p className="strokes-scale quiet"><span>{t('tiers.hourAgo')}</span><span>{t('tiers.byMinute')}</span><span>{t('tiers.now')}</span></p>
                </>
            )}
        </div>
    );
}

function millis(ms: number): string {
    return `${ms < 100 ? ms.toPrecision(2) : Math.round(ms)} ms`;
}

/** A stroke for each minute on a scale of roots, so that a slow one leaves the others visible. */
function Minutes({ p95 }: { p95: readonly (number | null)[] }) {
    const most = Math.max(...p95.map((ms) => ms ?? 0), 1);
    return (
        <svg className="strokes" viewBox={`0 0 ${p95.length} 20`} preserveAspectRatio="none" aria-hidden="true">
            {p95.map((ms, minute) => {
                if (ms === null) return null;
                const height = Math.max(0.6, 20 * Math.sqrt(ms / most));
                return <rect key={minute} x={minute + 0.15} width={0.7} y={20 - height} height={height} />;
            })}
        </svg>
    );
}
