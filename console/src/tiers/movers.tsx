import type { ArchiveControl, ResourceStatus } from '../api/client';
import { useTranslation } from '../i18n';
import type { Key } from '../i18n/en';
import { Icon } from '../ui/icons';
import { Failure } from '../ui/state';
import { stateOf, type MoverState } from './control';
import { Explained } from './explained';
import type { Step } from './metrics';
import { Pace } from './pace';
import { spanOf } from './span';
import { useControl } from './status';

const STATES: Record<MoverState, Key> = {
    paused: 'tiers.paused',
    held: 'tiers.held',
    moving: 'tiers.moving',
    waiting: 'tiers.waiting',
    idle: 'tiers.idle',
};

interface Props {
    resources: readonly ResourceStatus[];
    rates: ReadonlyMap<string, number | null>;
    steps: ReadonlyMap<string, Step[]>;
}

/** The movers of each resource, with the controls of operators. */
export function Movers({ resources, rates, steps }: Props) {
    const { t } = useTranslation();
    const control = useControl();
    const ask = (request: ArchiveControl) => control.mutate(request);
    const said = control.data?.resources.map(({ resource, paused }) => `${resource}: ${t(paused ? 'tiers.paused' : 'tiers.goesOn')}`).join(', ');
    return (
        <section className="card movers" aria-labelledby="movers">
            <header className="movers-head">
                <div>
                    <h3 id="movers"><Explained term="mover">{t('tiers.movers')}</Explained></h3>
                    <p className="quiet">{t('tiers.moversLead')}</p>
                </div>
                <div className="movers-all">
                    <button type="button" className="button" disabled={control.isPending || resources.every(({ paused }) => paused)} onClick={() => ask({ paused: true })}>
                        <Icon name="pause" size={16} />{t('tiers.pauseAll')}
                    </button>
                    <button type="button" className="button" disabled={control.isPending || !resources.some(({ paused }) => paused)} onClick={() => ask({ paused: false })}>
                        <Icon name="play" size={16} />{t('tiers.continueAll')}
                    </button>
                </div>
            </header>
            <p className="unseen" role="status">{control.isSuccess ? said : ''}</p>
            {control.isError && <Failure error={control.error} onRetry={() => ask(control.variables)} />}
            <ul>
                {resources.map((resource) => (
                    <Mover
                        key={resource.resource}
                        {...{ resource }}
                        rate={resource.paused || resource.due === 0 ? null : (rates.get(resource.resource) ?? null)}
                        steps={steps.get(resource.resource) ?? []}
                        isBusy={control.isPending}
                        onAsk={(request) => ask({ ...request, resources: [resource.resource] as ArchiveControl['resources'] })}
                    />
                ))}
            </ul>
        </section>
    );
}

interface MoverProps {
    resource: ResourceStatus;
    rate: number | null;
    steps: readonly Step[];
    isBusy: boolean;
    onAsk: (request: ArchiveControl) => void;
}

function Mover({ resource, rate, steps, isBusy, onAsk }: MoverProps) {
    const { t, number } = useTranslation();
    const { resource: name, paused, due, cold } = resource;
    const state = stateOf(resource, rate);
    return (
        <li className="mover" aria-label={name}>
            <h4>{name} <span className={`mover-state mover-${state}`}>{t(STATES[state])}</span></h4>
            <dl className="mover-figures">
                <div><dt><Explained term="due">{t('tiers.due')}</Explained></dt><dd>{number(due)}</dd></div>
                <div><dt><Explained term="rate">{t('tiers.rateName')}</Explained></dt><dd>{rate === null ? '–' : t('tiers.rate', { n: Math.round(rate) })}</dd></div>
                <div><dt><Explained term="rate">{t('tiers.etaName')}</Explained></dt><dd>{rate === null ? '–' : spanOf(due / rate)}</dd></div>
                <div><dt><Explained term="batch">{t('tiers.batch')}</Explained></dt><dd>{cold?.last ? t('tiers.rows', { n: cold.last.rows }) : '–'}</dd></div>
                <div><dt><Explained term="claim">{t('tiers.claim')}</Explained></dt><dd>{cold?.mover ? number(cold.mover.epoch) : '–'}</dd></div>
                <div><dt><Explained term="pace">{t('tiers.pace')}</Explained></dt><dd><Limits {...{ resource }} /></dd></div>
            </dl>
            {steps.length > 0 && <Steps steps={steps} />}
            <div className="mover-controls">
                <button type="button" className={paused ? 'button button-main' : 'button'} disabled={isBusy} onClick={() => onAsk({ paused: !paused })} aria-label={`${t(paused ? 'tiers.continue' : 'tiers.pause')}: ${name}`}>
                    <Icon name={paused ? 'play' : 'pause'} size={16} />{t(paused ? 'tiers.continue' : 'tiers.pause')}
                </button>
                <Pace {...{ resource, isBusy }} onSet={onAsk} />
            </div>
        </li>
    );
}

function Limits({ resource: { rows_per_second, max_hot_latency_ms } }: { resource: ResourceStatus }) {
    const { t } = useTranslation();
    const limits = [
        rows_per_second === null ? null : t('tiers.atMost', { n: rows_per_second }),
        max_hot_latency_ms === null ? null : t('tiers.whileHot', { n: max_hot_latency_ms }),
    ].filter((limit) => limit !== null);
    return limits.length > 0 ? limits.join(', ') : t('tiers.unlimited');
}

/** The mean time of each step of a batch, as parts of the whole. */
function Steps({ steps }: { steps: readonly Step[] }) {
    const { t } = useTranslation();
    const whole = Math.max(steps.reduce((sum, { ms }) => sum + ms, 0), Number.MIN_VALUE);
    return (
        <div className="steps">
            <p><Explained term="step">{t('tiers.steps')}</Explained></p>
            <div className="steps-bar" aria-hidden="true">
                {steps.map(({ name, ms }) => <span key={name} className={`step-${name}`} style={{ flexGrow: ms / whole }} />)}
            </div>
            <ul>{steps.map(({ name, ms }) => <li key={name}><i className={`step-${name}`} aria-hidden="true" /><span lang="en">{name}</span> {ms.toPrecision(2)} ms</li>)}</ul>
        </div>
    );
}
