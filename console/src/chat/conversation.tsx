import { useCallback, useMemo, useRef, useState } from 'react';
import type { Conversation as Row } from '../api/client';
import { connection } from '../api/connection';
import { useTranslation } from '../i18n';
import { hashOf, navigate } from '../router';
import { Icon } from '../ui/icons';
import { Notice } from '../ui/state';
import { Avatar } from './avatar';
import { otherOf, useTitle } from './conversation-list';
import { DepthStore, useDepth } from './depth';
import { DepthGauge } from './depth-gauge';
import type { FeedState } from './feed';
import { usePolling, useSurface } from './live';
import { LiveState } from './live-state';
import { MessageList } from './message-list';
import { keyOf, useMessages } from './messages';
import { PageControl } from './page-control';
import type { Names } from './people';
import { SearchResults, useSettled } from './search';
import { NEWEST, type Anchor } from './window';

interface Props {
    conversation: Row;
    names: Names;
    caller: number | null;
    feed: FeedState;
    parameters: URLSearchParams;
}

/** Returns where a conversation opens, by the parameters of the address. */
export function anchorOf(parameters: URLSearchParams): Anchor {
    const page = Number(parameters.get('page'));
    const around = Number(parameters.get('around'));
    const at = parameters.get('at');
    if (Number.isSafeInteger(around) && around > 0) return { kind: 'around', id: around };
    if (at && !Number.isNaN(Date.parse(at))) return { kind: 'at', time: at };
    return Number.isSafeInteger(page) && page > 1 ? { kind: 'page', page } : NEWEST;
}

let visits = 0;
const visited = new Map<string, number>();

/** Returns the number of a visit. Without a network it is the last one: what was read then is all there is. */
function visitOf(conversation: number, anchored: string): number {
    const place = `${conversation}?${anchored}`;
    const last = visited.get(place);
    if (last !== undefined && connection.current() !== 'online') return last;
    visits += 1;
    visited.set(place, visits);
    return visits;
}

export function Conversation({ conversation, names, caller, feed, parameters }: Props) {
    const { t } = useTranslation();
    const { id } = conversation;
    // Each jump is a visit of its own, also to a place that was visited before.
    const anchored = parameters.toString();
    const [visit, setVisit] = useState(() => visitOf(id, anchored));
    const [seen, setSeen] = useState(anchored);
    if (seen !== anchored) {
        setSeen(anchored);
        setVisit(visitOf(id, anchored));
    }
    const asOf = useRef<string | undefined>(undefined);
    const anchor = useMemo(() => {
        const place = anchorOf(new URLSearchParams(anchored));
        return place.kind === 'page' && place.page > 1 && asOf.current ? { ...place, asOf: asOf.current } : place;
    }, [anchored]);
    const query = useMessages(id, anchor, visit);
    asOf.current ??= query.data?.pages[0]?.as_of;
    usePolling(feed, keyOf(id, anchor, visit));
    useSurface(keyOf(id, anchor, visit));

    const [depth] = useState(() => new DepthStore());
    const [typed, setTyped] = useState('');
    const q = useSettled(typed.trim());
    const title = useTitle(conversation, names, caller);

    const go = useCallback(
        (to: Record<string, string | number | undefined>) => {
            const hash = hashOf('chat', id, to);
            if (hash === location.hash) setVisit(visitOf(id, anchored));
            else navigate(hash);
        },
        [id, anchored],
    );
    const onPage = useCallback((page: number) => go(page > 1 ? { page } : {}), [go]);
    const onNewest = useCallback(() => go({}), [go]);
    const isPartial = query.data?.pages.at(-1)?.partial === true || query.data?.pages[0]?.partial === true;

    return (
        <section className="conversation-pane" aria-label={title}>
            <header className="toolbar">
                <a className="icon-button back" href={hashOf('chat')} aria-label={t('chat.back')}><Icon name="left" /></a>
                <Avatar id={otherOf(conversation, caller)} name={title} />
                <div className="toolbar-title">
                    <h2>{title}</h2>
                    <p className="quiet"><Total depth={depth} /> <LiveState state={feed} /></p>
                </div>
                <div className="toolbar-tools">
                    <label className="search-field">
                        <Icon name="search" size={18} />
                        <input
                            type="search"
                            placeholder={t('chat.searchShort')}
                            aria-label={t('chat.search')}
                            title={t('chat.searchHint')}
                            maxLength={1000}
                            value={typed}
                            onChange={(event) => setTyped(event.target.value)}
                            onKeyDown={(event) => event.key === 'Escape' && setTyped('')}
                        />
                    </label>
                    <label className="date-field" title={t('chat.date')}>
                        <Icon name="calendar" size={18} />
                        <input
                            type="date"
                            aria-label={t('chat.date')}
                            onChange={(event) => {
                                const time = event.target.value && new Date(`${event.target.value}T00:00`);
                                if (time && time.getFullYear() > 1900) go({ at: time.toISOString() });
                            }}
                        />
                    </label>
                    <PageControl depth={depth} onPage={onPage} />
                </div>
            </header>
            {isPartial && <Notice tone="cold">{t('state.partial')}</Notice>}
            <div className="conversation-body">
                <MessageList
                    key={`${id} ${visit} ${anchored}`}
                    {...{ query, anchor, caller, names, depth, onNewest }}
                />
                <DepthGauge depth={depth} onPage={onPage} />
                {q !== '' && (
                    <SearchResults
                        conversation={id}
                        {...{ q, names, caller }}
                        onChoose={(hit) => go({ around: hit })}
                        onClose={() => setTyped('')}
                    />
                )}
            </div>
        </section>
    );
}

function Total({ depth }: { depth: DepthStore }) {
    const { t } = useTranslation();
    const { total } = useDepth(depth);
    return total === null ? null : <span className="total">{t('chat.total', { n: total })}</span>;
}
