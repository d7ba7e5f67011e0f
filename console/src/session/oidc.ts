// Sign-in by an OpenID provider: authorization code with PKCE (RFC 7636), without a secret.
import { CONSOLE } from '../api/place';
import type { Config } from './config';
import { session } from './session';

const KEY = 'thermocline.sign-in';

interface SignIn {
    state: string;
    verifier: string;
    tokenEndpoint: string;
    /** The view to return to. */
    hash: string;
}

type Provider = NonNullable<Config['oidc']>;

function base64url(bytes: Uint8Array): string {
    return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function random(): string {
    return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

export async function challengeOf(verifier: string): Promise<string> {
    return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
}

/** Leaves for the provider's page. */
export async function signIn(provider: Provider): Promise<void> {
    const discovery = await fetch(`${provider.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    if (!discovery.ok) throw new Error(`${provider.issuer}: ${discovery.status}`);
    const found = (await discovery.json()) as { authorization_endpoint: string; token_endpoint: string };
    const begun: SignIn = { state: random(), verifier: random(), tokenEndpoint: found.token_endpoint, hash: location.hash };
    sessionStorage.setItem(KEY, JSON.stringify(begun));
    const url = new URL(found.authorization_endpoint);
    const parameters = {
        response_type: 'code',
        client_id: provider.client_id,
        redirect_uri: CONSOLE.href,
        scope: provider.scope,
        state: begun.state,
        code_challenge: await challengeOf(begun.verifier),
        code_challenge_method: 'S256',
    };
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    location.assign(url);
}

/** Completes a sign-in if the provider has just sent the browser back; the code leaves the address at once. */
export async function completeSignIn(provider: Provider): Promise<void> {
    const answer = new URLSearchParams(location.search);
    const state = answer.get('state');
    if (!state || !(answer.has('code') || answer.has('error'))) return;
    const begun = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as SignIn | null;
    sessionStorage.removeItem(KEY);
    history.replaceState(null, '', `${location.pathname}${begun?.hash ?? ''}`);
    if (begun?.state !== state) throw new Error('The answer of the provider belongs to another sign-in.');
    const code = answer.get('code');
    if (!code) throw new Error(answer.get('error_description') ?? answer.get('error') ?? 'refused');
    const token = await fetch(begun.tokenEndpoint, {
        method: 'POST',
        headers: { Accept: 'application/json' },
        body: new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: provider.client_id,
            redirect_uri: CONSOLE.href,
            code,
            code_verifier: begun.verifier,
        }),
    });
    const body = (await token.json()) as { access_token?: string; error_description?: string; error?: string };
    if (!token.ok || !body.access_token) throw new Error(body.error_description ?? body.error ?? String(token.status));
    session.begin(body.access_token);
}
