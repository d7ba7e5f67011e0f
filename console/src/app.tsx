import { QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { Problem } from './api/problem';
import { keepLanguage, preferredLanguage, TranslationContext, useTranslationOf } from './i18n';
import { requests } from './requests/log';
import type { Config } from './session/config';
import { SignIn } from './session/sign-in';
import { session } from './session/session';
import { Shell } from './shell';
import { useTheme } from './ui/theme';

/** The reason for which the last session ended; a token that was refused is no use any more. */
let onRefused: () => void = () => undefined;

const queries = new QueryClient({
    queryCache: new QueryCache({
        onError: (error) => {
            if (error instanceof Problem && error.status === 401) onRefused();
        },
    }),
    defaultOptions: {
        queries: {
            // The page itself finds out whether the server can be reached.
            networkMode: 'always',
            staleTime: 15_000,
            refetchOnWindowFocus: false,
            retry: (count, error) => error instanceof Problem && error.isPassing && count < 2,
            retryDelay: (count, error) => (error instanceof Problem && error.retryAfter ? error.retryAfter * 1000 : 400 * 2 ** count),
        },
    },
});

export function App({ config, fault }: { config: Config | null; fault: string | null }) {
    const [language, setLanguage] = useState(preferredLanguage);
    const translation = useTranslationOf(language);
    const [theme, onTheme] = useTheme();
    const current = useSyncExternalStore(session.subscribe, session.current);
    const [wasRefused, setWasRefused] = useState(false);

    useEffect(() => {
        document.documentElement.lang = language;
        keepLanguage(language);
    }, [language]);

    useEffect(() => {
        onRefused = () => {
            if (!session.current()) return;
            setWasRefused(true);
            session.end();
        };
    }, []);

    // Another caller sees nothing of the one before.
    const token = current?.token;
    useEffect(() => {
        if (token !== undefined) return;
        queries.clear();
        requests.clear();
    }, [token]);

    const reason = fault ? translation.t('signIn.failed', { reason: fault }) : wasRefused ? translation.t('signIn.ended') : null;
    return (
        <TranslationContext value={translation}>
            <QueryClientProvider client={queries}>
                {current ? (
                    <Shell
                        {...{ config, theme, onTheme }}
                        onLanguage={() => setLanguage(language === 'en' ? 'zh-Hant' : 'en')}
                        onSignOut={() => {
                            setWasRefused(false);
                            session.end();
                        }}
                    />
                ) : (
                    <SignIn {...{ config, reason }} />
                )}
            </QueryClientProvider>
        </TranslationContext>
    );
}
