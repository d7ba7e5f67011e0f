import { lazy, Suspense, useSyncExternalStore } from 'react';
import { connection } from './api/connection';
import { useFeed } from './chat/live';
import { ChatView } from './chat/view';
import { useTranslation } from './i18n';
import type { Key } from './i18n/en';
import { RequestDrawer } from './requests/drawer';
import { RequestsView } from './requests/view';
import { hashOf, useRoute, type Route, type ViewName } from './router';
import type { Config } from './session/config';
import { Icon, Logo, type IconName } from './ui/icons';
import { Loading, Notice } from './ui/state';
import type { Theme } from './ui/theme';

const VIEWS: { name: ViewName; text: Key; icon: IconName }[] = [
    { name: 'chat', text: 'nav.chat', icon: 'chat' },
    { name: 'charts', text: 'nav.charts', icon: 'charts' },
    { name: 'tiers', text: 'nav.tiers', icon: 'tiers' },
    { name: 'api', text: 'nav.api', icon: 'api' },
];

const TiersView = lazy(() => import('./tiers/view'));
const GlossaryView = lazy(() => import('./glossary/view'));
const ChartsView = lazy(() => import('./charts/view'));

const THEME_ICONS: Record<Theme, IconName> = { system: 'system', light: 'sun', dark: 'moon' };

interface Props {
    config: Config | null;
    theme: Theme;
    onTheme: () => void;
    onLanguage: () => void;
    onSignOut: () => void;
}

export function Shell({ config, theme, onTheme, onLanguage, onSignOut }: Props) {
    const { t } = useTranslation();
    const route = useRoute();
    const feed = useFeed();
    const state = useSyncExternalStore(connection.subscribe, connection.current);
    return (
        <div className="shell">
            <a className="skip" href="#content" onClick={(event) => { event.preventDefault(); document.getElementById('content')?.focus(); }}>{t('app.skip')}</a>
            <header className="rail">
                <div className="brand"><Logo size={36} /><h1>Thermocline</h1></div>
                <nav aria-label={t('nav.label')}>
                    {VIEWS.map(({ name, text, icon }) => (
                        <a key={name} href={hashOf(name)} aria-current={route.view === name ? 'page' : undefined}>
                            <Icon name={icon} size={22} />
                            <span>{t(text)}</span>
                        </a>
                    ))}
                </nav>
                <div className="rail-tools">
                    <button type="button" onClick={onTheme} aria-label={t(`nav.theme.${theme}`)} title={t(`nav.theme.${theme}`)}><Icon name={THEME_ICONS[theme]} /></button>
                    <button type="button" onClick={onLanguage} title={t('nav.language')} lang={t('nav.language') === 'English' ? 'en' : 'zh-Hant'} aria-label={t('nav.language')}><Icon name="globe" /></button>
                    <button type="button" onClick={onSignOut} aria-label={t('nav.signOut')} title={t('nav.signOut')}><Icon name="out" /></button>
                </div>
            </header>
            <main id="content" tabIndex={-1}>
                {state !== 'online' && <Notice>{t(state === 'offline' ? 'state.offline' : 'state.unreachable')}</Notice>}
                <Suspense fallback={<Loading />}>
                    <View route={route} feed={feed} config={config} />
                </Suspense>
                {route.view !== 'api' && route.view !== 'glossary' && <RequestDrawer view={route.view} />}
            </main>
        </div>
    );
}

function View({ route, feed, config }: { route: Route; feed: ReturnType<typeof useFeed>; config: Config | null }) {
    switch (route.view) {
        case 'api':
            return <RequestsView />;
        case 'charts':
            return <ChartsView route={route} config={config} />;
        case 'tiers':
            return <TiersView />;
        case 'glossary':
            return <GlossaryView term={route.id} />;
        default:
            return <ChatView route={route} feed={feed} />;
    }
}
