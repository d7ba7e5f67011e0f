import {
    CandlestickSeries,
    ColorType,
    createChart,
    CrosshairMode,
    HistogramSeries,
    LineSeries,
    PriceScaleMode,
    type IChartApi,
    type ISeriesApi,
    type LogicalRange,
    type MouseEventParams,
    type Time,
} from 'lightweight-charts';
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from '../i18n';
import { useColourChange } from '../ui/theme';
import { surfaceOf, type Bar } from './bars';
import { readColours, type Colours } from './colours';
import { Waterline } from './waterline';

/** Bars from the left edge at which older ones are asked for. */
const AHEAD = 40;
/** Bars that are shown at first. */
const SHOWN = 120;

interface Props {
    bars: readonly Bar[];
    compared: readonly Bar[] | null;
    /** Changes with what is shown, so that a new chart begins at its newest bars. */
    subject: string;
    label: string;
    onOlder: () => void;
    onPoint: (date: string | null) => void;
}

interface Parts {
    chart: IChartApi;
    candles: ISeriesApi<'Candlestick'>;
    volume: ISeriesApi<'Histogram'>;
    other: ISeriesApi<'Line'>;
    waterline: Waterline;
}

function build(element: HTMLElement): Parts {
    const chart = createChart(element, {
        autoSize: true,
        layout: { attributionLogo: false, panes: { enableResize: false } },
        crosshair: { mode: CrosshairMode.Normal },
        rightPriceScale: { borderVisible: false },
        timeScale: { borderVisible: false, rightOffset: 4, minBarSpacing: 0.8 },
    });
    const candles = chart.addSeries(CandlestickSeries, { borderVisible: false, priceLineVisible: false });
    const other = chart.addSeries(LineSeries, { lineWidth: 2, priceLineVisible: false, visible: false });
    const volume = chart.addSeries(HistogramSeries, { priceFormat: { type: 'volume' }, priceLineVisible: false, lastValueVisible: false }, 1);
    chart.panes()[0]?.setStretchFactor(4);
    chart.panes()[1]?.setStretchFactor(1);
    const waterline = new Waterline();
    candles.attachPrimitive(waterline);
    return { chart, candles, volume, other, waterline };
}

function paint({ chart, candles, other }: Parts, colours: Colours, font: string) {
    chart.applyOptions({
        layout: { background: { type: ColorType.Solid, color: colours.ground }, textColor: colours.faint, fontFamily: font, panes: { separatorColor: colours.line } },
        grid: { vertLines: { color: colours.line, style: 4 }, horzLines: { color: colours.line, style: 4 } },
        crosshair: { vertLine: { color: colours.faint, labelBackgroundColor: colours.ink }, horzLine: { color: colours.faint, labelBackgroundColor: colours.ink } },
    });
    candles.applyOptions({ upColor: colours.up, downColor: colours.down, wickUpColor: colours.up, wickDownColor: colours.down });
    other.applyOptions({ color: colours.other });
}

/** Candlesticks above their volume, and the line of another stock in percent. */
export function Chart({ bars, compared, subject, label, onOlder, onPoint }: Props) {
    const { t, language } = useTranslation();
    const frame = useRef<HTMLDivElement>(null);
    const parts = useRef<Parts | null>(null);
    const [colours, setColours] = useState<Colours | null>(null);
    const calls = useRef({ onOlder, onPoint });
    useEffect(() => {
        calls.current = { onOlder, onPoint };
    });

    useLayoutEffect(() => {
        const element = frame.current!;
        const built = build(element);
        parts.current = built;
        setColours(readColours(element));
        const onRange = (range: LogicalRange | null) => {
            if (range && range.from < AHEAD) calls.current.onOlder();
        };
        const onMove = ({ time }: MouseEventParams<Time>) => calls.current.onPoint(typeof time === 'string' ? time : null);
        built.chart.timeScale().subscribeVisibleLogicalRangeChange(onRange);
        built.chart.subscribeCrosshairMove(onMove);
        return () => {
            parts.current = null;
            built.chart.remove();
        };
    }, []);

    useColourChange(useCallback(() => frame.current && setColours(readColours(frame.current)), []));

    useLayoutEffect(() => {
        const built = parts.current;
        if (!built || !colours) return;
        const font = getComputedStyle(document.body).fontFamily;
        paint(built, colours, font);
        built.chart.applyOptions({ localization: { locale: language === 'en' ? 'en-GB' : 'zh-TW' } });
    }, [colours, language]);

    useLayoutEffect(() => {
        const built = parts.current;
        if (!built || !colours) return;
        built.candles.setData(bars.map(({ date, open, high, low, close }) => ({ time: date, open, high, low, close })));
        built.volume.setData(
            bars.map(({ date, open, close, volume }) => ({ time: date, value: volume ?? 0, color: close >= open ? colours.upWash : colours.downWash })),
        );
        const font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
        built.waterline.set(surfaceOf(bars)?.date ?? null, { words: [t('charts.archive'), t('charts.hot')], warm: colours.warm, cold: colours.cold, ink: colours.faint, font });
    }, [bars, colours, t]);

    useLayoutEffect(() => {
        const built = parts.current;
        if (!built) return;
        // Bars beside which the first stock has none would tear the time scale apart.
        const first = bars[0]?.date;
        const line = compared && first !== undefined ? compared.filter((bar) => bar.date >= first) : [];
        built.other.setData(line.map(({ date, close }) => ({ time: date, value: close })));
        built.other.applyOptions({ visible: line.length > 0 });
        built.chart.priceScale('right').applyOptions({ mode: line.length > 0 ? PriceScaleMode.Percentage : PriceScaleMode.Normal });
    }, [bars, compared]);

    // Without colours there are no bars in the chart yet, though some are known.
    const isEmpty = bars.length === 0 || colours === null;
    useLayoutEffect(() => {
        if (isEmpty) return;
        const { chart } = parts.current!;
        const count = barsCount(parts.current!);
        chart.priceScale('right').applyOptions({ autoScale: true });
        chart.timeScale().setVisibleLogicalRange({ from: Math.max(-2, count - SHOWN), to: count + 3 });
    }, [subject, isEmpty]);

    const onKeyDown = (event: React.KeyboardEvent) => {
        const scale = parts.current?.chart.timeScale();
        const range = scale?.getVisibleLogicalRange();
        if (!scale || !range) return;
        const width = range.to - range.from;
        const moves: Record<string, [number, number]> = {
            ArrowLeft: [-width / 10, -width / 10],
            ArrowRight: [width / 10, width / 10],
            '+': [width / 6, 0],
            '-': [-width / 6, 0],
        };
        const move = moves[event.key];
        if (!move) return;
        event.preventDefault();
        scale.setVisibleLogicalRange({ from: range.from + move[0], to: range.to + move[1] });
    };
    return <div className="chart" ref={frame} role="img" aria-label={label} tabIndex={0} onKeyDown={onKeyDown} />;
}

function barsCount({ candles }: Parts): number {
    return candles.data().length;
}
