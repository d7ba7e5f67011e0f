import { useState, useSyncExternalStore } from 'react';
import type { Exchange, View } from '../api/exchange';
import { useTranslation } from '../i18n';
import { decoded } from '../router';
import { session } from '../session/session';
import { Icon } from '../ui/icons';
import { drawer, useDrawer } from './drawer-state';
import { requests } from './log';
import { LANGUAGES, snippet, type Language } from './snippets';

const NAMES: Record<Language, string> = { curl: 'curl', fetch: 'fetch', python: 'Python' };

/** The newest request of a view, folded up at its lower edge. */
export function RequestDrawer({ view }: { view: View }) {
    const { t } = useTranslation();
    const isOpen = useDrawer();
    useSyncExternalStore(requests.subscribe, requests.all);
    const newest = requests.newest(view);
    return (
        <aside className={isOpen ? 'drawer drawer-open' : 'drawer'} aria-label={t('api.this')}>
            <button type="button" className="drawer-bar" aria-expanded={isOpen} onClick={() => drawer.set(!isOpen)} title={t(isOpen ? 'api.hide' : 'api.show')}>
                <Icon name="api" size={16} />
                {newest ? <Summary exchange={newest} /> : <span className="drawer-url">{t('api.none')}</span>}
                <Icon name={isOpen ? 'down' : 'up'} size={16} />
            </button>
            {isOpen && newest && <Snippets exchange={newest} />}
        </aside>
    );
}

function Summary({ exchange }: { exchange: Exchange }) {
    const { t } = useTranslation();
    const { pathname, search } = new URL(exchange.url);
    return (
        <>
            <code className="drawer-url">{exchange.method} {decoded(pathname + search)}</code>
            <span className={`status status-${String(exchange.status)[0]}`}>{exchange.status || t('api.failed')}</span>
            <span className="drawer-ms">{exchange.ms.toFixed(exchange.ms < 10 ? 1 : 0)} ms</span>
            <TierTags exchange={exchange} />
        </>
    );
}

export function TierTags({ exchange: { tiers } }: { exchange: Exchange }) {
    return (
        <span className="tier-tags">
            {tiers.hot !== undefined && <span className="tier-tag tier-hot">hot {tiers.hot.toFixed(1)}</span>}
            {tiers.cold !== undefined && <span className="tier-tag tier-cold">cold {tiers.cold.toFixed(1)}</span>}
        </span>
    );
}

/** A request in several languages, ready to copy. */
export function Snippets({ exchange }: { exchange: Exchange }) {
    const { t } = useTranslation();
    const [language, setLanguage] = useState<Language>('curl');
    const [withToken, setWithToken] = useState(false);
    const [isCopied, setIsCopied] = useState(false);
    const text = snippet(language, exchange, withToken ? session.token() : null);
    const copy = async () => {
        await navigator.clipboard.writeText(text);
        setIsCopied(true);
        setTimeout(() => setIsCopied(false), 1500);
    };
    return (
        <div className="snippets">
            <div className="snippets-bar">
                <div className="segments" role="group" aria-label={t('api.language')}>
                    {LANGUAGES.map((name) => (
                        <button key={name} type="button" aria-pressed={name === language} onClick={() => setLanguage(name)}>{NAMES[name]}</button>
                    ))}
                </div>
                <label className="check" title={t('api.withTokenHint')}>
                    <input type="checkbox" checked={withToken} onChange={(event) => setWithToken(event.target.checked)} />
                    {t('api.withToken')}
                </label>
                <button type="button" className="button" onClick={() => void copy()}>
                    <Icon name={isCopied ? 'check' : 'copy'} size={16} />
                    <span aria-live="polite">{t(isCopied ? 'api.copied' : 'api.copy')}</span>
                </button>
            </div>
            <pre tabIndex={0}><code>{text}</code></pre>
        </div>
    );
}
