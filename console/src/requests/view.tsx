import { useState, useSyncExternalStore } from 'react';
import { address } from '../api/place';
import { useTranslation } from '../i18n';
import { decoded } from '../router';
import { Snippets, TierTags } from './drawer';
import { requests } from './log';

/** Every request of the page, newest first. */
export function RequestsView() {
    const { t, time } = useTranslation();
    const exchanges = useSyncExternalStore(requests.subscribe, requests.all);
    const [chosen, setChosen] = useState<number | null>(null);
    return (
        <section className="sheet">
            <header className="sheet-head">
                <div>
                    <h2>{t('api.title')}</h2>
                    <p className="quiet">{t('api.lead')} <a href={address('docs/')}>{t('api.docs')}</a></p>
                </div>
                <button type="button" className="button" onClick={() => requests.clear()}>{t('api.clear')}</button>
            </header>
            {exchanges.length === 0 && <p className="quiet">{t('api.none')}</p>}
            <ol className="exchanges">
                {exchanges.map((exchange) => (
                    <li key={exchange.number}>
                        <button type="button" className="exchange" aria-expanded={chosen === exchange.number} onClick={() => setChosen(chosen === exchange.number ? null : exchange.number)}>
                            <time dateTime={new Date(exchange.at).toISOString()}>{time(new Date(exchange.at).toISOString())}</time>
                            <span className={`status status-${String(exchange.status)[0]}`}>{exchange.status || t('api.failed')}</span>
                            <code>{exchange.method} {decoded(exchange.url.slice(new URL(exchange.url).origin.length))}</code>
                            <span className="exchange-ms">{exchange.ms.toFixed(exchange.ms < 10 ? 1 : 0)} ms</span>
                            <TierTags exchange={exchange} />
                        </button>
                        {chosen === exchange.number && <Snippets exchange={exchange} />}
                    </li>
                ))}
            </ol>
        </section>
    );
}
