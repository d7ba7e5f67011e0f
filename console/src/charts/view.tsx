import { useMemo, useState } from 'react';
import type { PriceInterval } from '../api/client';
import { useClient } from '../api/server';
import { useTranslation } from '../i18n';
import { drawer } from '../requests/drawer-state';
import { hashOf, navigate, type Route } from '../router';
import type { Config } from '../session/config';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/state';
import { barsOf, INTERVALS, type Bar } from './bars';
import { Chart } from './chart';
import { download } from './download';
import { Change, Stocks, useStocks } from './stocks';
import { Table } from './table';
import { udfOf } from './udf';
import { useBars } from './use-bars';

export default function ChartsView({ route, config }: { route: Route; config: Config | null }) {
    const { t } = useTranslation();
    const interval = INTERVALS.find((name) => name === route.parameters.get('interval')) ?? 'day';
    const compare = route.parameters.get('compare') ?? '';
    const known = useStocks('');
    const symbol = route.id ?? known.data?.stocks[0]?.symbol ?? null;
    const kept: Record<string, string> = interval === 'day' ? {} : { interval };
    return (
        <div className={route.id === null ? 'chat chat-list' : 'chat chat-open'}>
            <Stocks chosen={symbol} kept={kept} />
            {symbol === null ? (
                <div className="chat-nothing">{known.isPending ? <Loading /> : <p className="quiet">{t('charts.noStocks')}</p>}</div>
            ) : (
                <Stock key={symbol} {...{ symbol, interval, config }} compare={compare === symbol ? '' : compare} />
            )}
        </div>
    );
}

interface Props {
    symbol: string;
    interval: PriceInterval;
    compare: string;
    config: Config | null;
}

function Stock({ symbol, interval, compare, config }: Props) {
    const { t, number } = useTranslation();
    const client = useClient();
    const query = useBars(symbol, interval);
    const other = useBars(compare, interval);
    const bars = useMemo(() => barsOf(query.data?.pages ?? []), [query.data]);
    const compared = useMemo(() => (compare === '' ? null : barsOf(other.data?.pages ?? [])), [compare, other.data]);
    const stocks = useStocks('').data?.stocks ?? [];
    const name = stocks.find((stock) => stock.symbol === symbol)?.name;
    const [pointed, setPointed] = useState<string | null>(null);
    const [isTable, setIsTable] = useState(false);
    const [fault, setFault] = useState<unknown>(null);
    const index = pointed === null ? bars.length - 1 : bars.findIndex((bar) => bar.date === pointed);
    const bar = bars[index] ?? bars.at(-1);
    const before = bars[(bar ? bars.indexOf(bar) : 0) - 1];

    const to = (more: Record<string, string>) =>
        navigate(hashOf('charts', symbol, { interval: interval === 'day' ? '' : interval, compare, ...more }));
    const onOlder = () => {
        if (query.hasNextPage && !query.isFetching) void query.fetchNextPage();
        if (compare !== '' && other.hasNextPage && !other.isFetching) void other.fetchNextPage();
    };
    const attempt = (action: () => Promise<unknown>) => {
        setFault(null);
        action().catch(setFault);
    };
    const udf = udfOf(symbol, interval, bars);
    return (
        <section className="conversation-pane" aria-label={t('charts.chart', { symbol })}>
            <header className="toolbar chart-toolbar">
                <a className="icon-button back" href={hashOf('charts')} aria-label={t('charts.stocks')}><Icon name="left" /></a>
                <div className="toolbar-title">
                    <h2>{symbol} <span className="stock-title">{name}</span></h2>
                    {bar && <p className="quote"><b>{bar.close.toFixed(2)}</b> <Change close={bar.close} before={before?.close ?? null} /></p>}
                </div>
                <div className="toolbar-tools">
                    <div className="segments" role="group" aria-label={t('charts.interval')}>
                        {INTERVALS.map((each) => (
                            <button key={each} type="button" aria-pressed={each === interval} onClick={() => to({ interval: each === 'day' ? '' : each })}>
                                {t(`charts.${each}`)}
                            </button>
                        ))}
                    </div>
                    <select className="select" aria-label={t('charts.compare')} value={compare} onChange={(event) => to({ compare: event.target.value })}>
                        <option value="">{t('charts.compareNone')}</option>
                        {stocks.filter((stock) => stock.symbol !== symbol).map((stock) => (
                            <option key={stock.id} value={stock.symbol}>{stock.symbol} {stock.name}</option>
                        ))}
                    </select>
                    <button type="button" className="icon-button" aria-pressed={isTable} onClick={() => setIsTable(!isTable)} aria-label={t(isTable ? 'charts.chartAgain' : 'charts.table')} title={t(isTable ? 'charts.chartAgain' : 'charts.table')}>
                        <Icon name={isTable ? 'charts' : 'table'} size={18} />
                    </button>
                    <button type="button" className="icon-button" onClick={() => attempt(() => download(client, symbol, interval))} aria-label={t('charts.csv')} title={t('charts.csv')}>
                        <Icon name="download" size={18} />
                    </button>
                    {udf && (config?.prices_public ? (
                        <a className="button" href={udf.url} title={t('charts.udfHint')}>{t('charts.udf')}</a>
                    ) : (
                        <button type="button" className="button" title={t('charts.udfHint')} onClick={() => attempt(() => client.get(udf.path, udf.parameters).then(() => drawer.open()))}>
                            {t('charts.udf')}
                        </button>
                    ))}
                </div>
            </header>
            {fault !== null && <Failure error={fault} />}
            <div className="chart-body">
                {bar && !isTable && <Legend bar={bar} />}
                {query.isPending && <Loading />}
                {query.isError && bars.length === 0 && <Failure error={query.error} onRetry={() => void query.refetch()} />}
                {query.isSuccess && bars.length === 0 && <p className="quiet padded centred">{t('charts.none', { symbol })}</p>}
                {isTable ? (
                    <Table bars={bars} />
                ) : (
                    <Chart
                        {...{ bars, compared, onOlder }}
                        subject={`${symbol} ${interval}`}
                        label={labelOf(t('charts.chart', { symbol }), bars)}
                        onPoint={setPointed}
                    />
                )}
            </div>
            <footer className="chart-foot quiet">
                <span role="status">
                    {query.isFetchingNextPage ? t('charts.older') : t(query.hasNextPage ? 'charts.bars' : 'charts.all', { n: number(bars.length) })}
                    {compare !== '' && ` · ${t('charts.percent')}`}
                </span>
                <span>{t('charts.attribution')} <a href="https://www.tradingview.com/" rel="noreferrer noopener" target="_blank">TradingView Lightweight Charts™</a></span>
            </footer>
        </section>
    );
}

/** The chart in words. */
function labelOf(title: string, bars: readonly Bar[]): string {
    const [first, last] = [bars[0], bars.at(-1)];
    if (!first || !last) return title;
    const range = `${first.date} – ${last.date}`;
    return `${title}: ${range}, ${Math.min(...bars.map((bar) => bar.low)).toFixed(2)} – ${Math.max(...bars.map((bar) => bar.high)).toFixed(2)}`;
}

function Legend({ bar }: { bar: Bar }) {
    const { t, number } = useTranslation();
    const values: [string, string][] = [
        [t('charts.open'), bar.open.toFixed(2)],
        [t('charts.high'), bar.high.toFixed(2)],
        [t('charts.low'), bar.low.toFixed(2)],
        [t('charts.close'), bar.close.toFixed(2)],
        [t('charts.volume'), bar.volume === null ? '–' : number(bar.volume)],
    ];
    return (
        <dl className="legend">
            <div><dt className="unseen">{t('charts.date')}</dt><dd>{bar.date}</dd></div>
            {values.map(([name, value]) => (
                <div key={name}><dt>{name}</dt><dd className={bar.close >= bar.open ? 'change-up' : 'change-down'}>{value}</dd></div>
            ))}
        </dl>
    );
}
