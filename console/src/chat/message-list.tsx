import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from '../i18n';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/state';
import type { DepthStore } from './depth';
import { Entry } from './entry';
import { estimate } from './estimate';
import type { useMessages } from './messages';
import type { Names } from './people';
import { layout, newestPosition, openingAt, rowsOf, totalOf, type Anchor } from './window';

/** Entries from an end of the window at which the next page is asked for. */
const AHEAD = 150;
/** The pause before a page that failed is asked for again, in milliseconds. */
const AGAIN = 3_000;
/** Pixels from the end that count as the end. */
const END = 80;
/** The time in which a window finds its first place, in milliseconds. */
const SETTLED = 120;
/** Pixels of an entry at the lower edge that make it count as shown. */
const SHOWN = 40;

interface Props {
    query: ReturnType<typeof useMessages>;
    anchor: Anchor;
    caller: number | null;
    names: Names;
    depth: DepthStore;
    onNewest: () => void;
}

/** The messages of a window, oldest first, of which only those on the screen are in the document. */
export function MessageList({ query, anchor, caller, names, depth, onNewest }: Props) {
    const { t, day } = useTranslation();
    const scroller = useRef<HTMLDivElement>(null);
    const pages = useMemo(() => query.data?.pages ?? [], [query.data]);
    const rows = useMemo(() => rowsOf(pages), [pages]);
    const isWhole = !query.hasNextPage && rows.length > 0;
    const items = useMemo(() => layout(rows, isWhole), [rows, isWhole]);
    const endsAtNewest = !query.hasPreviousPage;
    // Rows that follow a window which did not end with the newest row are older news: the reader's place stays.
    const endedAtNewest = useRef(endsAtNewest);
    const [width, setWidth] = useState(600);
    // Set once the window stands where it opens; a page that came earlier would move the place that is being scrolled to.
    const [isPlaced, setIsPlaced] = useState(false);
    const isOpening = useRef(false);
    const [isAtEnd, setIsAtEnd] = useState(true);
    const [unseen, setUnseen] = useState(0);

    const virtualizer = useVirtualizer({
        count: items.length,
        getScrollElement: () => scroller.current,
        estimateSize: useCallback((index: number) => estimate(items[index], width), [items, width]),
        getItemKey: useCallback((index: number) => items[index]?.key ?? index, [items]),
        overscan: 10,
        paddingStart: 16,
        paddingEnd: 16,
        anchorTo: 'end',
        followOnAppend: endedAtNewest.current && endsAtNewest,
        scrollEndThreshold: END,
        directDomUpdates: true,
    });
    const shown = virtualizer.getVirtualItems();
    const range = virtualizer.range;

    useEffect(() => {
        endedAtNewest.current = endsAtNewest;
    });

    useLayoutEffect(() => {
        const element = scroller.current;
        if (!element) return;
        const observer = new ResizeObserver(() => setWidth(element.clientWidth));
        observer.observe(element);
        setWidth(element.clientWidth);
        return () => observer.disconnect();
    }, []);

    // Once, when there is something to show.
    useLayoutEffect(() => {
        if (isOpening.current || items.length === 0) return;
        isOpening.current = true;
        const opening = openingAt(items, anchor);
        if (opening) virtualizer.scrollToIndex(opening.index, { align: opening.align });
        else virtualizer.scrollToEnd();
    }, [items, anchor, virtualizer]);

    const isEmpty = items.length === 0;
    useEffect(() => {
        if (isEmpty) return;
        const timer = setTimeout(() => {
            virtualizer.cancelScroll();
            setIsPlaced(true);
        }, SETTLED);
        return () => clearTimeout(timer);
    }, [isEmpty, virtualizer]);

    // The next page, before the reader gets there.
    const first = range?.startIndex ?? 0;
    const last = range?.endIndex ?? 0;
    const { hasNextPage, hasPreviousPage, isFetching, isFetchNextPageError, isFetchPreviousPageError, fetchNextPage, fetchPreviousPage } = query;
    useEffect(() => {
        if (!isPlaced || isFetching || items.length === 0) return;
        if (hasNextPage && first < AHEAD && !isFetchNextPageError) void fetchNextPage();
        else if (hasPreviousPage && last > items.length - AHEAD && !isFetchPreviousPageError) void fetchPreviousPage();
    }, [isPlaced, first, last, items.length, hasNextPage, hasPreviousPage, isFetching, isFetchNextPageError, isFetchPreviousPageError, fetchNextPage, fetchPreviousPage]);

    const failed = isFetchNextPageError || isFetchPreviousPageError;
    useEffect(() => {
        if (!failed || isFetching) return;
        const timer = setTimeout(() => void (isFetchNextPageError ? fetchNextPage() : fetchPreviousPage()), AGAIN);
        return () => clearTimeout(timer);
    }, [failed, isFetching, isFetchNextPageError, fetchNextPage, fetchPreviousPage]);

    // How deep the reader is.
    const newest = newestPosition(pages);
    const total = totalOf(pages);
    const height = virtualizer.scrollRect?.height ?? 0;
    const lowest = items[virtualizer.getVirtualItemForOffset((virtualizer.scrollOffset ?? 0) + height - SHOWN)?.index ?? last];
    const lowestIndex = lowest?.kind === 'message' ? lowest.index : rows.length - 1;
    useEffect(() => {
        depth.set({ position: newest === null || rows.length === 0 ? null : newest + rows.length - 1 - lowestIndex, total });
    }, [depth, newest, total, rows.length, lowestIndex]);

    // News below the screen.
    const newestId = endsAtNewest ? rows.at(-1)?.id : undefined;
    const seenId = useRef<number | undefined>(undefined);
    useEffect(() => {
        const before = seenId.current;
        seenId.current = newestId;
        if (before === undefined || newestId === undefined || before === newestId || virtualizer.isAtEnd(END)) return;
        const index = rows.findIndex((row) => row.id === before);
        if (index >= 0) setUnseen((count) => count + rows.length - 1 - index);
    }, [newestId, rows, virtualizer]);

    // The virtualizer may hear of a scroll later than this.
    const onScroll = useCallback(({ currentTarget: { scrollHeight, scrollTop, clientHeight } }: React.UIEvent) => {
        const atEnd = scrollHeight - scrollTop - clientHeight <= END;
        setIsAtEnd(atEnd);
        if (atEnd) setUnseen(0);
    }, []);

    const top = items.slice(first).find((item) => item.kind === 'message');
    const showsNewest = endsAtNewest && (isAtEnd || items.length === 0);
    const toNewest = () => {
        setUnseen(0);
        if (endsAtNewest) virtualizer.scrollToEnd({ behavior: 'auto' });
        else onNewest();
    };
    const onKeyDown = (event: React.KeyboardEvent) => {
        if (event.target !== scroller.current) return;
        if (event.key === 'End') {
            event.preventDefault();
            toNewest();
        }
    };

    return (
        <div className="messages-frame">
            {top?.kind === 'message' && <p className="day-now" aria-hidden="true"><span>{day(top.row.created_at)}</span></p>}
            <div
                ref={scroller}
                className="messages"
                role="region"
                aria-label={t('chat.messages')}
                aria-busy={query.isFetching}
                tabIndex={0}
                onScroll={onScroll}
                onKeyDown={onKeyDown}
            >
                {query.isPending && <Loading />}
                {query.isError && rows.length === 0 && <Failure error={query.error} onRetry={() => void query.refetch()} />}
                {query.isSuccess && rows.length === 0 && !query.hasNextPage && <p className="quiet padded centred">{t('chat.empty')}</p>}
                <div className="messages-all" ref={virtualizer.containerRef}>
                    {shown.map(({ key, index }) => {
                        const item = items[index];
                        if (!item) return null;
                        const place = item.kind === 'message' && newest !== null ? newest + rows.length - item.index : null;
                        return (
                            <div key={key} className="entry" data-index={index} ref={virtualizer.measureElement}>
                                <Entry {...{ item, caller, names, total }} place={place} isTarget={anchor.kind === 'around' && item.key === `m:${anchor.id}`} />
                            </div>
                        );
                    })}
                </div>
            </div>
            {(query.isFetchingNextPage || query.isFetchingPreviousPage) && <span className={query.isFetchingNextPage ? 'filling filling-top' : 'filling filling-bottom'} aria-hidden="true" />}
            {!showsNewest && rows.length > 0 && (
                <button type="button" className="to-newest" onClick={toNewest} aria-label={unseen > 0 ? `${t('chat.newest')}, ${t('chat.newMessages', { n: unseen })}` : t('chat.newest')}>
                    <Icon name="newest" size={18} />
                    {unseen > 0 && <span>{t('chat.newMessages', { n: unseen })}</span>}
                </button>
            )}
        </div>
    );
}
