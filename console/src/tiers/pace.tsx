import { useId, useState, type FormEvent } from 'react';
import type { ArchiveControl, ResourceStatus } from '../api/client';
import { useTranslation } from '../i18n';

/** The largest limit that the server takes. */
const MOST = 4_294_967_295;

interface Props {
    resource: ResourceStatus;
    isBusy: boolean;
    onSet: (request: ArchiveControl) => void;
}

/** The limits of the movers of a resource, unfolded by a button. */
export function Pace({ resource, isBusy, onSet }: Props) {
    const { t } = useTranslation();
    const id = useId();
    const [isOpen, setIsOpen] = useState(false);
    return (
        <>
            <button type="button" className="button" aria-expanded={isOpen} aria-controls={id} onClick={() => setIsOpen(!isOpen)} aria-label={`${t('tiers.setPace')}: ${resource.resource}`}>
                {t('tiers.setPace')}
            </button>
            <div id={id} className="pace" hidden={!isOpen}>
                {isOpen && <Form {...{ resource, isBusy, onSet }} onDone={() => setIsOpen(false)} />}
            </div>
        </>
    );
}

function Form({ resource, isBusy, onSet, onDone }: Props & { onDone: () => void }) {
    const { t } = useTranslation();
    const [rows, setRows] = useState(textOf(resource.rows_per_second));
    const [latency, setLatency] = useState(textOf(resource.max_hot_latency_ms));
    const set = (request: ArchiveControl) => {
        onSet(request);
        onDone();
    };
    const onSubmit = (event: FormEvent) => {
        event.preventDefault();
        set({ rows_per_second: limitOf(rows), max_hot_latency_ms: limitOf(latency) });
    };
    return (
        <form onSubmit={onSubmit}>
            <Limit name={t('tiers.rowsPerSecond')} text={rows} onText={setRows} />
            <Limit name={t('tiers.maxHotLatency')} text={latency} onText={setLatency} />
            <button type="submit" className="button button-main" disabled={isBusy}>{t('tiers.set')}</button>
            <button type="button" className="button" disabled={isBusy} onClick={() => set({ rows_per_second: null, max_hot_latency_ms: null })}>
                {t('tiers.noLimits')}
            </button>
        </form>
    );
}

function Limit({ name, text, onText }: { name: string; text: string; onText: (text: string) => void }) {
    const { t } = useTranslation();
    return (
        <label>
            <span>{name}</span>
            <input type="number" inputMode="numeric" min={1} max={MOST} step={1} placeholder={t('tiers.noLimit')} value={text} onChange={(event) => onText(event.target.value)} />
        </label>
    );
}

function textOf(limit: number | null): string {
    return limit === null ? '' : String(limit);
}

/** An empty field is no limit. The form has checked all others. */
function limitOf(text: string): number | null {
    return text.trim() === '' ? null : Number(text);
}
