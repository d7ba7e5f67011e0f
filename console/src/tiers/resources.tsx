import type { ResourceStatus } from '../api/client';
import { useTranslation } from '../i18n';
import { Explained } from './explained';

interface Props {
    resources: readonly ResourceStatus[];
    rates: ReadonlyMap<string, number | null>;
}

/** The figures of each resource, and what is in the way of its rows. */
export function Resources({ resources, rates }: Props) {
    const { t, number, instant } = useTranslation();
    const waits = resources.flatMap((resource) => resource.waits.map((reason) => ({ resource: resource.resource, reason })));
    const rejects = resources.flatMap((resource) => resource.rejects.newest.map((reject) => ({ resource: resource.resource, ...reject })));
    return (
        <>
            <div className="card card-table" tabIndex={0} role="region" aria-label={t('tiers.resources')}>
                <table>
                    <caption>{t('tiers.resources')}</caption>
                    <thead>
                        <tr>
                            <th scope="col"><Explained term="resource">{t('tiers.resource')}</Explained></th>
                            <th scope="col"><Explained term="hot">{t('tiers.hot')}</Explained></th>
                            <th scope="col"><Explained term="cold">{t('tiers.cold')}</Explained></th>
                            <th scope="col"><Explained term="epoch">{t('tiers.epoch')}</Explained></th>
                            <th scope="col"><Explained term="due">{t('tiers.due')}</Explained></th>
                            <th scope="col"><Explained term="lag">{t('tiers.lag')}</Explained></th>
                            <th scope="col"><Explained term="reject">{t('tiers.rejects')}</Explained></th>
                            <th scope="col"><Explained term="move">{t('tiers.lastMove')}</Explained></th>
                        </tr>
                    </thead>
                    <tbody>
                        {resources.map((resource) => {
                            const { cold } = resource;
                            const rate = rates.get(resource.resource) ?? null;
                            return (
                                <tr key={resource.resource}>
                                    <th scope="row">
                                        {resource.resource}
                                        {resource.paused && <span className="held"> {t('tiers.paused')}</span>}
                                        {resource.held && <span className="held"> {t('tiers.held')}</span>}
                                        {cold?.mover && !resource.paused && <span className="held held-moving"> {rate === null ? '↓' : t('tiers.rate', { n: Math.round(rate) })}</span>}
                                    </th>
                                    <td>{number(resource.rows_in_hot)}</td>
                                    <td>{cold ? `${cold.rows_exact ? '' : '~ '}${number(cold.rows)}` : t('tiers.unknown')}</td>
                                    <td>{number(resource.epoch)}</td>
                                    <td>{number(resource.due)}</td>
                                    <td>{t('tiers.days', { n: resource.lag_days.toFixed(1) })}</td>
                                    <td>{number(resource.rejects.rows)}</td>
                                    <td>{cold?.last ? `${t('tiers.rows', { n: cold.last.rows })}, ${instant(cold.last.finished)}` : '–'}</td>
                                </tr>
                            );
                        })}
                    </tbody>
                </table>
            </div>
            {(waits.length > 0 || rejects.length > 0) && (
                <div className="card">
                    {waits.length > 0 && <h3>{t('tiers.waits')}</h3>}
                    <ul className="waits">{waits.map(({ resource, reason }) => <li key={resource + reason}><b>{resource}</b> {reason}</li>)}</ul>
                    {rejects.length > 0 && <h3>{t('tiers.rejected')}</h3>}
                    <ul className="waits">{rejects.map(({ resource, id, reason, at }) => <li key={`${resource} ${id}`}><b>{resource} {id}</b> {reason} <span className="quiet">{instant(at)}</span></li>)}</ul>
                </div>
            )}
            <p className="quiet steer">{t('tiers.steer')} <code>thermocline archive run</code> <code>thermocline archive status --watch</code> <code>thermocline archive pause</code> <code>thermocline archive verify</code></p>
        </>
    );
}
