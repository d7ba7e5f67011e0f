import { useTranslation } from '../i18n';
import type { Bar } from './bars';

/** Rows of the table; the rest is in the file that can be downloaded. */
const MOST = 250;

/** The newest bars as a table, newest first. */
export function Table({ bars }: { bars: readonly Bar[] }) {
    const { t, number } = useTranslation();
    const shown = bars.slice(-MOST).reverse();
    return (
        <div className="table-frame" tabIndex={0} role="region" aria-label={t('charts.newestBars', { n: shown.length })}>
            <table>
                <caption>{t('charts.newestBars', { n: shown.length })}</caption>
                <thead>
                    <tr>
                        {(['date', 'open', 'high', 'low', 'close', 'volume', 'turnover'] as const).map((name) => <th key={name} scope="col">{t(`charts.${name}`)}</th>)}
                    </tr>
                </thead>
                <tbody>
                    {shown.map((bar) => (
                        <tr key={bar.date}>
                            <th scope="row">{bar.date}</th>
                            {[bar.open, bar.high, bar.low, bar.close].map((price, index) => <td key={index}>{price.toFixed(2)}</td>)}
                            {[bar.volume, bar.turnover].map((count, index) => <td key={index}>{count === null ? '–' : number(count)}</td>)}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
