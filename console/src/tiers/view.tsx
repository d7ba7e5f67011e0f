import { useQueryClient } from '@tanstack/react-query';
import type { ResourceStatus } from '../api/client';
import { Problem } from '../api/problem';
import { useTranslation } from '../i18n';
import { Failure, Loading } from '../ui/state';
import { LatencyPanel } from './latency-panel';
import { Movers } from './movers';
import { useRates } from './rate';
import { Resources } from './resources';
import { Servers } from './servers';
import { useArchiveStatus, useFigures, useHealth } from './status';
import { Water } from './water';

const NOTHING: ResourceStatus[] = [];

export default function TiersView() {
    const { t, instant } = useTranslation();
    const queries = useQueryClient();
    const status = useArchiveStatus();
    const health = useHealth();
    const { bytes, servers, audit, steps } = useFigures();
    const resources = status.data?.resources ?? NOTHING;
    const rates = useRates(resources, status.dataUpdatedAt);
    const isForbidden = status.error instanceof Problem && status.error.status === 403;
    return (
        <section className="sheet tiers">
            <header className="sheet-head">
                <h2>{t('tiers.title')}</h2>
                {status.dataUpdatedAt > 0 && <p className="quiet">{t('tiers.updated', { time: instant(status.dataUpdatedAt) })}</p>}
            </header>
            <Water {...{ resources, rates, bytes }} health={health.data ?? null} isKnown={status.isSuccess} />
            {status.isPending && <Loading />}
            {isForbidden ? (
                <div className="card"><p>{t('tiers.forbidden')}</p><p className="quiet">{t('tiers.forbiddenHint')} <code>thermocline token --user 42 --scope admin</code></p></div>
            ) : (
                status.isError && <Failure error={status.error} onRetry={() => void queries.invalidateQueries({ queryKey: ['archive'] })} />
            )}
            {resources.length > 0 && (
                <>
                    {health.data?.services.cold !== undefined && <Movers {...{ resources, rates, steps }} />}
                    <Resources {...{ resources, rates }} />
                    <div className="cards">
                        <LatencyPanel latency={status.data?.latency ?? []} />
                        <Servers {...{ servers, audit }} />
                    </div>
                </>
            )}
        </section>
    );
}
