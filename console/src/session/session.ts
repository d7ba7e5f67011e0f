import { decoded } from '../router';
import { Store } from '../store';
import { readClaims, type Claims } from './claims';

/** The token lives as long as the tab. */
const KEY = 'thermocline.token';

export interface Session {
    token: string;
    claims: Claims | null;
}

/** The token of the tab. */
class SessionStore extends Store {
    private session: Session | null = null;

    constructor() {
        super();
        const token = sessionStorage.getItem(KEY);
        if (token) this.session = { token, claims: readClaims(token) };
    }

    readonly current = () => this.session;

    readonly token = () => this.session?.token ?? null;

    begin(token: string) {
        sessionStorage.setItem(KEY, token);
        this.session = { token, claims: readClaims(token) };
        this.tell();
    }

    end() {
        sessionStorage.removeItem(KEY);
        this.session = null;
        this.tell();
    }
}

export const session = new SessionStore();

/**
 * Takes the token of `#token=…`, as the demo's link has it, and removes it from the address and from the history. A fragment
 * is never sent to a server.
 */
export function takeTokenOfAddress() {
    const found = /^#token=([^&]+)(?:&(.*))?$/.exec(location.hash);
    if (!found?.[1]) return;
    session.begin(decoded(found[1]));
    history.replaceState(null, '', `${location.pathname}${location.search}${found[2] ? `#${found[2]}` : ''}`);
}
