import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { CONSOLE } from '../api/place';
import { useTranslation } from '../i18n';
import { Icon } from '../ui/icons';
import { Failure, Loading } from '../ui/state';
import { readTerms, type Term } from './terms';

async function read(): Promise<Term[]> {
    const answer = await fetch(new URL('glossary.md', CONSOLE));
    if (!answer.ok) throw new Error(`glossary.md: ${answer.status}`);
    return readTerms(await answer.text());
}

/** The words of the project. `term` is the one that was asked for. */
export default function GlossaryView({ term }: { term: string | null }) {
    const { t } = useTranslation();
    const query = useQuery({ queryKey: ['glossary'], queryFn: read, staleTime: Infinity });
    const [typed, setTyped] = useState('');
    const wanted = typed.trim().toLowerCase();
    const terms = (query.data ?? []).filter(({ name }) => name.toLowerCase().includes(wanted));
    useEffect(() => {
        if (term) document.getElementById(`term-${term}`)?.scrollIntoView({ block: 'center' });
    }, [term, query.data]);
    return (
        <section className="sheet">
            <header className="sheet-head">
                <div>
                    <h2>{t('glossary.title')}</h2>
                    <p className="quiet">{t('glossary.lead')}</p>
                </div>
                <label className="search-field">
                    <Icon name="search" size={18} />
                    <input type="search" placeholder={t('glossary.find')} aria-label={t('glossary.find')} value={typed} onChange={(event) => setTyped(event.target.value)} />
                </label>
            </header>
            {query.isPending && <Loading />}
            {query.isError && <Failure error={query.error} onRetry={() => void query.refetch()} />}
            <dl className="glossary" lang="en">
                {terms.map(({ id, name, definition }) => (
                    <div key={id} id={`term-${id}`} className={id === term ? 'term term-chosen' : 'term'}>
                        <dt>{name}</dt>
                        <dd>
                            {definition.map(({ kind, text }, index) =>
                                kind === 'code' ? <code key={index}>{text}</code> : kind === 'strong' ? <strong key={index}>{text}</strong> : text,
                            )}
                        </dd>
                    </div>
                ))}
            </dl>
        </section>
    );
}
