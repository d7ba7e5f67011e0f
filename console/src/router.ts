// Views by the fragment of the address, which works behind any prefix: `#/chat/7?page=12`.
import { useSyncExternalStore } from 'react';

export type ViewName = 'chat' | 'charts' | 'tiers' | 'api' | 'glossary';

export interface Route {
    view: ViewName;
    /** The conversation or the symbol. */
    id: string | null;
    parameters: URLSearchParams;
}

const VIEWS: readonly string[] = ['chat', 'charts', 'tiers', 'api', 'glossary'] satisfies ViewName[];

/** Decodes a part of an address; one that is not well encoded stays as it is. */
export function decoded(part: string): string {
    try {
        return decodeURIComponent(part);
    } catch {
        return part;
    }
}

export function readRoute(hash: string): Route {
    const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
    const [view = '', id = ''] = path.split('/');
    return {
        view: VIEWS.includes(view) ? (view as ViewName) : 'chat',
        id: id ? decoded(id) : null,
        parameters: new URLSearchParams(query),
    };
}

export function hashOf(view: ViewName, id?: string | number | null, parameters: Record<string, string | number | undefined> = {}): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(parameters)) {
        if (value !== undefined && value !== '') query.set(name, String(value));
    }
    const path = id === undefined || id === null ? view : `${view}/${encodeURIComponent(id)}`;
    return `#/${path}${query.size > 0 ? `?${query}` : ''}`;
}

export function navigate(hash: string, replace = false) {
    if (hash === location.hash) return;
    if (replace) {
        history.replaceState(null, '', hash);
        dispatchEvent(new HashChangeEvent('hashchange'));
    } else {
        location.hash = hash;
    }
}

let known: { hash: string; route: Route } = { hash: '', route: readRoute('') };

function current(): Route {
    if (known.hash !== location.hash) known = { hash: location.hash, route: readRoute(location.hash) };
    return known.route;
}

export function useRoute(): Route {
    return useSyncExternalStore((listener) => {
        addEventListener('hashchange', listener);
        return () => removeEventListener('hashchange', listener);
    }, current);
}
