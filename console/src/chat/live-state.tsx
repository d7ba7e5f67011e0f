import { useTranslation } from '../i18n';
import type { Key } from '../i18n/en';
import type { FeedState } from './feed';

const WORDS: Record<FeedState, Key> = {
    live: 'chat.live',
    polling: 'chat.polling',
    connecting: 'chat.reconnecting',
    disconnected: 'chat.disconnected',
};

export function LiveState({ state }: { state: FeedState }) {
    const { t } = useTranslation();
    const hint = state === 'live' ? t('chat.liveHint') : state === 'polling' ? t('chat.pollingHint') : undefined;
    return (
        <span className={`live live-${state}`} title={hint} role="status">
            <span className="live-dot" aria-hidden="true" />
            {t(WORDS[state])}
        </span>
    );
}
