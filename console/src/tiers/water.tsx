import type { Health, ResourceStatus } from '../api/client';
import { useTranslation } from '../i18n';
import { stateOf } from './control';
import { Explained } from './explained';
import { spanOf } from './span';
import { bytesOf } from './units';

interface Props {
    resources: readonly ResourceStatus[];
    rates: ReadonlyMap<string, number | null>;
    bytes: number | null;
    health: Health | null;
    /** Whether the status of the archive was read. */
    isKnown: boolean;
}

const WAVE = 'M0 20c60-20 120-20 180 0s120 20 180 0 120-20 180 0 120 20 180 0 120-20 180 0 120 20 180 0 120-20 180 0 120 20 180 0';

/** Both databases as two layers of water; what moves sinks from one into the other. */
export function Water({ resources, rates, bytes, health, isKnown }: Props) {
    const { t, number, instant } = useTranslation();
    const hotRows = resources.reduce((sum, resource) => sum + resource.rows_in_hot, 0);
    const due = resources.reduce((sum, resource) => sum + resource.due, 0);
    const inCold = resources.flatMap((resource) => (resource.cold ? [resource.cold] : []));
    const coldRows = inCold.reduce((sum, cold) => sum + cold.rows, 0);
    const isExact = inCold.every((cold) => cold.rows_exact);
    const moving = resources.find((resource) => stateOf(resource, rates.get(resource.resource) ?? null) === 'moving');
    const paused = resources.filter((resource) => resource.paused);
    const last = inCold.flatMap((cold) => (cold.last ? [cold.last] : [])).sort((a, b) => (a.finished < b.finished ? 1 : -1))[0];
    const rate = moving ? (rates.get(moving.resource) ?? null) : null;
    const hasCold = health === null || health.services.cold !== undefined;
    return (
        <div className={moving ? 'water water-moving' : 'water'}>
            <div className="layer layer-hot">
                <Tier name="hot" health={health} />
                {isKnown && (
                    <dl>
                        <div className="figure"><dt><Explained term="row">{t('tiers.rows', { n: '' }).trim()}</Explained></dt><dd>{number(hotRows)}</dd></div>
                        <div><dt><Explained term="due">{t('tiers.due')}</Explained></dt><dd>{number(due)}</dd></div>
                    </dl>
                )}
            </div>
            <svg className="surface" viewBox="0 0 1440 40" preserveAspectRatio="none" aria-hidden="true">
                <path className="surface-fill" d={`${WAVE}V60H0z`} />
                <path className="surface-line" d={WAVE} />
            </svg>
            <div className="layer layer-cold">
                <div className="moves" role="status">
                    <Explained term="mover">{t('tiers.mover')}</Explained>
                    {moving ? (
                        <span>
                            {moving.resource}
                            {moving.cold?.mover && <>: {t('tiers.moverAt', { name: moving.cold.mover.name, epoch: moving.cold.mover.epoch, time: instant(moving.cold.mover.since) })}</>}
                            {rate !== null && <> · {t('tiers.rate', { n: Math.round(rate) })} · {t('tiers.eta', { time: spanOf(moving.due / rate) })}</>}
                        </span>
                    ) : (
                        isKnown && <span>{paused.length > 0 ? t('tiers.pausedOf', { names: paused.map(({ resource }) => resource).join(', ') }) : due === 0 ? t('tiers.rest') : t('tiers.moverIdle')}</span>
                    )}
                    {last && <span className="moves-last">{t('tiers.lastMove')}: {last.kind} {number(last.epoch)}, {t('tiers.rows', { n: last.rows })}, {instant(last.finished)}</span>}
                </div>
                {hasCold ? (
                    <div className="layer-row">
                        <Tier name="cold" health={health} />
                        {inCold.length > 0 && (
                            <dl>
                                <div className="figure"><dt><Explained term="version">{t(isExact ? 'tiers.rows' : 'tiers.aboutRows', { n: '' }).trim()}</Explained></dt><dd>{number(coldRows)}</dd></div>
                                {bytes !== null && <div><dt><Explained term="cold">{t('tiers.size')}</Explained></dt><dd>{bytesOf(bytes)}</dd></div>}
                            </dl>
                        )}
                    </div>
                ) : (
                    <p>{t('tiers.noCold')}</p>
                )}
            </div>
        </div>
    );
}

function Tier({ name, health }: { name: 'hot' | 'cold'; health: Health | null }) {
    const { t } = useTranslation();
    return (
        <div>
            <h3><Explained term={name}>{t(`tiers.${name}`)}</Explained></h3>
            <p>{t(`tiers.${name}Lead`)}</p>
            <State service={health?.services[name]} />
        </div>
    );
}

function State({ service }: { service: Health['services']['hot'] | undefined }) {
    const { t } = useTranslation();
    if (!service) return null;
    const isWell = service.status === 'healthy';
    return (
        <p className={isWell ? 'state state-well' : 'state state-away'}>
            <span aria-hidden="true" />
            {isWell ? t('tiers.healthy', { ms: service.latency_ms.toFixed(1) }) : t('tiers.unhealthy')}
        </p>
    );
}
