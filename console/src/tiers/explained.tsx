import { useTranslation } from '../i18n';
import { hashOf } from '../router';

/** A word that leads to its entry in the glossary. */
export function Explained({ term, children }: { term: string; children: string }) {
    const { t } = useTranslation();
    return <a className="explained" href={hashOf('glossary', term)} title={t('tiers.explained')}>{children}</a>;
}
