import { useState } from 'react';
import { Client } from '../api/client';
import { Problem } from '../api/problem';
import { useTranslation } from '../i18n';
import { Logo } from '../ui/icons';
import { requests } from '../requests/log';
import { pastedToken, readClaims } from './claims';
import type { Config } from './config';
import { signIn } from './oidc';
import { session } from './session';

interface Props {
    config: Config | null;
    /** Why the last session ended. */
    reason: string | null;
}

export function SignIn({ config, reason }: Props) {
    const { t } = useTranslation();
    const [text, setText] = useState('');
    const [fault, setFault] = useState<string | null>(null);
    const [isBusy, setIsBusy] = useState(false);
    const provider = config?.oidc;

    const submit = async (event: React.FormEvent) => {
        event.preventDefault();
        const token = pastedToken(text);
        if (!readClaims(token)) return setFault(t('signIn.notToken'));
        setIsBusy(true);
        setFault(null);
        try {
            await new Client(requests.fetch, () => token).conversations({ limit: 1 });
        } catch (error) {
            // A token that may only read something else is a token.
            if (error instanceof Problem && error.status !== 403) {
                setIsBusy(false);
                return setFault(error.status === 401 ? t('signIn.refused') : error.status === 0 ? t('signIn.unreachable') : error.message);
            }
        }
        session.begin(token);
    };
    const leave = () => {
        setIsBusy(true);
        signIn(provider!).catch((error: unknown) => {
            setIsBusy(false);
            setFault(t('signIn.failed', { reason: error instanceof Error ? error.message : String(error) }));
        });
    };
    const shown = fault ?? reason;
    return (
        <main className="sign-in">
            <div className="sign-in-water" aria-hidden="true">
                <svg viewBox="0 0 1440 60" preserveAspectRatio="none"><path d="M0 30c90-30 150-30 240 0s150 30 240 0 150-30 240 0 150 30 240 0 150-30 240 0 150 30 240 0v40H0z" /></svg>
            </div>
            <div className="sign-in-card">
                <Logo size={56} />
                <h1>{t('signIn.title')}</h1>
                <p className="lead">{t('signIn.lead')}</p>
                {shown && <p className="fault" role="alert">{shown}</p>}
                {provider && (
                    <>
                        <button type="button" className="button button-main wide" onClick={leave} disabled={isBusy}>
                            {t('signIn.provider', { host: new URL(provider.issuer).host })}
                        </button>
                        <p className="divider"><span>{t('signIn.or')}</span></p>
                    </>
                )}
                <form onSubmit={(event) => void submit(event)}>
                    <label htmlFor="token">{t('signIn.token')}</label>
                    <textarea
                        id="token"
                        rows={4}
                        spellCheck={false}
                        autoComplete="off"
                        value={text}
                        aria-describedby="token-hint"
                        onChange={(event) => setText(event.target.value)}
                        onKeyDown={(event) => {
                            if (event.key === 'Enter' && !event.shiftKey) {
                                event.preventDefault();
                                event.currentTarget.form?.requestSubmit();
                            }
                        }}
                    />
                    <p id="token-hint" className="quiet">{t('signIn.tokenHint')}</p>
                    <button type="submit" className={provider ? 'button wide' : 'button button-main wide'} disabled={isBusy || text.trim() === ''}>
                        {t('signIn.submit')}
                    </button>
                </form>
                <p className="quiet">{t('signIn.how')} <code>thermocline token --user 42</code></p>
            </div>
        </main>
    );
}
