import { useTranslation } from '../i18n';
import { Explained } from './explained';
import type { Figures } from './metrics';

/** The servers of the databases, and the findings of the audit, where the server's metrics tell them. */
export function Servers({ servers, audit }: Pick<Figures, 'servers' | 'audit'>) {
    const { t, number } = useTranslation();
    return (
        <section className="card" aria-labelledby="servers">
            <h3 id="servers"><Explained term="replica">{t('tiers.servers')}</Explained></h3>
            {servers.length === 0 ? (
                <p className="quiet">{t('tiers.noServers')}</p>
            ) : (
                <ul className="servers">
                    {servers.map(({ tier, name, isUp, behind }) => (
                        <li key={`${tier} ${name}`}>
                            <span className={isUp ? 'lamp' : 'lamp lamp-away'} aria-hidden="true" />
                            <b>{tier === 'hot' ? t('tiers.hot') : t('tiers.cold')} · {name}</b>
                            <span>{t(isUp ? 'tiers.up' : 'tiers.away')}</span>
                            {behind !== null && <Explained term="epoch">{behind === 0 ? t('tiers.notBehind') : t('tiers.behind', { n: behind })}</Explained>}
                        </li>
                    ))}
                </ul>
            )}
            <p className="audit">
                <Explained term="violation">{t('tiers.violations')}</Explained>{' '}
                {audit === null ? (
                    <span className="quiet">{t('tiers.noAudit')}</span>
                ) : (
                    <><b className={audit.violations > 0 ? 'bad' : undefined}>{number(audit.violations)}</b> <span className="quiet">{t('tiers.audited', { n: audit.rows })}</span></>
                )}
            </p>
        </section>
    );
}
