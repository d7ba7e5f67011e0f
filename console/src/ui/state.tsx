import type { ReactNode } from 'react';
import { Problem } from '../api/problem';
import { useTranslation } from '../i18n';
import { Icon } from './icons';

export function Loading() {
    const { t } = useTranslation();
    return (
        <p className="loading" role="status">
            <span className="drop" aria-hidden="true" />
            {t('state.loading')}
        </p>
    );
}

/** Why something is not shown, and a way on. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: (() => void) | undefined }) {
    const { t } = useTranslation();
    const problem = error instanceof Problem ? error : null;
    const text = problem?.status === 0 ? t('state.unreachable') : error instanceof Error ? error.message : String(error);
    return (
        <div className="failure" role="alert">
            <Icon name="warning" />
            <div>
                <p>{text}</p>
                {problem?.requestId && <p className="quiet">{t('state.requestId', { id: problem.requestId })}</p>}
            </div>
            {onRetry && (
                <button type="button" className="button" onClick={onRetry}>
                    {t('state.retry')}
                </button>
            )}
        </div>
    );
}

export function Notice({ children, tone = 'warm' }: { children: ReactNode; tone?: 'warm' | 'cold' }) {
    return (
        <p className={`notice notice-${tone}`} role="status">
            <Icon name="warning" size={16} />
            <span>{children}</span>
        </p>
    );
}
