import { useState } from 'react';
import { useTranslation } from '../i18n';
import { Icon } from '../ui/icons';
import { pageOf, useDepth, type DepthStore } from './depth';

interface Props {
    depth: DepthStore;
    onPage: (page: number) => void;
}

/** The number of the page on the screen, which can be overwritten: page 1 is the newest. */
export function PageControl({ depth, onPage }: Props) {
    const { t, number } = useTranslation();
    const { page, pages } = pageOf(useDepth(depth));
    const [typed, setTyped] = useState<string | null>(null);
    const go = (to: number) => onPage(Math.min(Math.max(1, to), pages ?? to));
    const submit = (event: React.FormEvent) => {
        event.preventDefault();
        const to = Number(typed);
        if (typed && Number.isInteger(to) && to > 0) go(to);
        setTyped(null);
    };
    return (
        <form className="pages" onSubmit={submit} aria-label={t('chat.page')}>
            <button type="button" className="icon-button" onClick={() => pages && go(pages)} disabled={pages === null || page === pages} aria-label={t('chat.oldest')} title={t('chat.oldest')}>
                <Icon name="oldest" size={18} />
            </button>
            <button type="button" className="icon-button" onClick={() => page && go(page + 1)} disabled={page === null || (pages !== null && page >= pages)} aria-label={t('chat.older')} title={t('chat.older')}>
                <Icon name="up" size={18} />
            </button>
            <label>
                <span className="pages-word">{t('chat.page')}</span>
                <input
                    className="page-number"
                    inputMode="numeric"
                    pattern="[0-9]*"
                    aria-label={t('chat.page')}
                    value={typed ?? (page === null ? '' : String(page))}
                    placeholder="–"
                    onFocus={(event) => event.target.select()}
                    onChange={(event) => setTyped(event.target.value.replace(/[^0-9]/g, '').slice(0, 9))}
                    onBlur={() => setTyped(null)}
                    onKeyDown={(event) => event.key === 'Escape' && setTyped(null)}
                />
            </label>
            <span className="pages-total">{pages === null ? '' : t('chat.ofPages', { n: number(pages) })}</span>
            <button type="button" className="icon-button" onClick={() => page && go(page - 1)} disabled={page === null || page <= 1} aria-label={t('chat.newer')} title={t('chat.newer')}>
                <Icon name="down" size={18} />
            </button>
        </form>
    );
}
