import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import type { Schemas } from '../api/client';
import { useClient } from '../api/server';
import { useSettled } from '../chat/search';
import { useTranslation } from '../i18n';
import { hashOf } from '../router';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/state';

/** Stocks of one page; as many as the latest prices take at once. */
const PER_PAGE = 50;

export function useStocks(q: string) {
    const client = useClient();
    return useQuery({
        queryKey: ['stocks', q],
        queryFn: ({ signal }) => client.stocks({ q, per_page: PER_PAGE }, { signal }),
        staleTime: 5 * 60_000,
        placeholderData: (before) => before,
    });
}

function useLatest(symbols: string[]) {
    const client = useClient();
    return useQuery({
        queryKey: ['latest', symbols],
        queryFn: async ({ signal }) => {
            const answer = await client.latest(symbols, { signal });
            return new Map(answer.prices.map((price) => [price.symbol, price]));
        },
        enabled: symbols.length > 0,
        staleTime: 60_000,
        refetchInterval: 60_000,
    });
}

interface Props {
    chosen: string | null;
    /** The parameters that stay when another stock is chosen. */
    kept: Record<string, string>;
}

export function Stocks({ chosen, kept }: Props) {
    const { t } = useTranslation();
    const [typed, setTyped] = useState('');
    const q = useSettled(typed.trim());
    const query = useStocks(q);
    const stocks = query.data?.stocks ?? [];
    const latest = useLatest(stocks.map((stock) => stock.symbol));
    return (
        <nav className="conversations stocks" aria-label={t('charts.stocks')}>
            <h2 className="pane-title">{t('charts.stocks')}</h2>
            <label className="search-field stocks-search">
                <Icon name="search" size={18} />
                <input type="search" placeholder={t('charts.symbol')} aria-label={t('charts.symbol')} value={typed} onChange={(event) => setTyped(event.target.value)} />
            </label>
            {query.isPending && <Loading />}
            {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
            {query.isSuccess && stocks.length === 0 && <p className="quiet padded" role="status">{t('charts.noStocks')}</p>}
            <ul>
                {stocks.map((stock) => (
                    <li key={stock.id}>
                        <a className="stock" href={hashOf('charts', stock.symbol, kept)} aria-current={stock.symbol === chosen ? 'true' : undefined}>
                            <b>{stock.symbol}</b>
                            <span className="stock-name">{stock.name}</span>
                            <Price latest={latest.data?.get(stock.symbol)} />
                        </a>
                    </li>
                ))}
            </ul>
        </nav>
    );
}

function Price({ latest }: { latest: Schemas['LatestPrice'] | undefined }) {
    if (!latest || latest.close_price == null) return null;
    return (
        <>
            <span className="stock-close">{latest.close_price.toFixed(2)}</span>
            <Change close={latest.close_price} before={latest.previous_close ?? null} />
        </>
    );
}

/** The change to the close before, as the market colours it. */
export function Change({ close, before }: { close: number; before: number | null }) {
    if (before === null || before === 0) return <span className="change" />;
    const part = ((close - before) / before) * 100;
    const kind = part > 0 ? 'change change-up' : part < 0 ? 'change change-down' : 'change';
    const sign = part > 0 ? '▲' : part < 0 ? '▼' : '';
    return <span className={kind}>{sign} {Math.abs(part).toFixed(2)} %</span>;
}
