import { useTranslation } from '../i18n';
import type { Key } from '../i18n/en';
import { GROUPS, useLatencies, type Group, type Latency } from './latency';

const NAMES: Record<Group, Key> = { hot: 'tiers.inHot', cold: 'tiers.inCold', both: 'tiers.needBoth' };
/** Answers that a line shows. */
const SHOWN = 80;

/** How long answers took, measured by this page alone. */
export function LatencyPanel() {
    const { t } = useTranslation();
    const latencies = useLatencies();
    return (
        <section className="card" aria-labelledby="latency">
            <h3 id="latency">{t('tiers.latency')}</h3>
            <p className="quiet">{t('tiers.latencyLead')}</p>
            <div className="latencies">
                {GROUPS.map((group) => <Figures key={group} group={group} latency={latencies[group]} />)}
            </div>
        </section>
    );
}

function Figures({ group, latency }: { group: Group; latency: Latency | undefined }) {
    const { t, number } = useTranslation();
    return (
        <div className={`latency latency-${group}`}>
            <h4>{t(NAMES[group])}</h4>
            {latency ? (
                <>
                    <dl>
                        <div><dt>{t('tiers.measured')}</dt><dd>{latency.p50.toFixed(1)} ms</dd></div>
                        <div><dt>{t('tiers.worst')}</dt><dd>{latency.p95.toFixed(1)} ms</dd></div>
                        <div><dt>{t('tiers.count')}</dt><dd>{number(latency.count)}</dd></div>
                    </dl>
                    <Line times={latency.times.slice(-SHOWN)} />
                </>
            ) : (
                <p className="quiet">{t('tiers.noAnswers')}</p>
            )}
        </div>
    );
}

/** The newest answers in order, as upright strokes on a scale of roots: a slow one leaves the others visible. */
function Line({ times }: { times: number[] }) {
    const most = Math.max(...times, 1);
    return (
        <svg className="strokes" viewBox={`0 0 ${SHOWN} 20`} preserveAspectRatio="none" aria-hidden="true">
            {times.map((time, index) => {
                const height = Math.max(0.8, Math.sqrt(time / most) * 19);
                return <rect key={index} x={SHOWN - times.length + index + 0.15} y={20 - height} width="0.7" height={height} />;
            })}
        </svg>
    );
}
