import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import type { Message } from '../api/client';
import { useClient } from '../api/server';
import { useTranslation } from '../i18n';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/state';
import { excerpt } from './excerpt';
import type { Names } from './people';

/** The pause in typing after which is searched, in milliseconds. */
const PAUSE = 300;
const LIMIT = 20;

interface Props {
    conversation: number;
    q: string;
    names: Names;
    caller: number | null;
    onChoose: (id: number) => void;
    onClose: () => void;
}

/** Returns `value` once it has not changed for a while. */
export function useSettled(value: string): string {
    const [settled, setSettled] = useState(value);
    useEffect(() => {
        const timer = setTimeout(() => setSettled(value), PAUSE);
        return () => clearTimeout(timer);
    }, [value]);
    return settled;
}

export function SearchResults({ conversation, q, names, caller, onChoose, onClose }: Props) {
    const { t } = useTranslation();
    const client = useClient();
    const query = useInfiniteQuery({
        queryKey: ['search', conversation, q],
        initialPageParam: null as string | null,
        queryFn: ({ pageParam, signal }) => client.search(conversation, q, { limit: LIMIT, before: pageParam }, { signal }),
        getNextPageParam: (last) => (last.has_more ? last.next : undefined),
        enabled: q !== '',
        retry: false,
    });
    const hits = query.data?.pages.flatMap((page) => page.messages) ?? [];
    return (
        <section className="hits" aria-label={t('chat.hits')} aria-busy={query.isFetching}>
            <header>
                <h3>{t('chat.hits')}</h3>
                <button type="button" className="icon-button" onClick={onClose} aria-label={t('chat.close')} title={t('chat.close')}>
                    <Icon name="close" size={18} />
                </button>
            </header>
            <div className="hits-list">
                {query.isLoading && <Loading />}
                {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
                {query.isSuccess && hits.length === 0 && <p className="quiet padded" role="status">{t('chat.noHits', { q })}</p>}
                <ul>
                    {hits.map((hit) => (
                        <li key={hit.id}><Hit {...{ hit, q, onChoose }} name={hit.sender_id === caller ? t('chat.you') : (names.get(hit.sender_id) ?? t('chat.deleted', { id: String(hit.sender_id) }))} /></li>
                    ))}
                </ul>
                {query.hasNextPage && (
                    <button type="button" className="button wide" onClick={() => void query.fetchNextPage()} disabled={query.isFetching}>
                        {t('chat.moreHits')}
                    </button>
                )}
            </div>
        </section>
    );
}

function Hit({ hit, q, name, onChoose }: { hit: Message; q: string; name: string; onChoose: (id: number) => void }) {
    const { instant } = useTranslation();
    return (
        <button type="button" className="hit" onClick={() => onChoose(hit.id)}>
            <span className="hit-head">
                <b>{name}</b>
                <time dateTime={hit.created_at}>{instant(hit.created_at)}</time>
            </span>
            <span className="hit-text">
                {excerpt(hit.content, q).map((part, index) => (part.isFound ? <mark key={index}>{part.text}</mark> : part.text))}
            </span>
        </button>
    );
}
