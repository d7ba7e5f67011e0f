import { createContext, use } from 'react';
import { requests } from '../requests/log';
import { session } from '../session/session';
import { Client } from './client';

/** The client of this page: it uses the token of the tab and notes every request. */
export const client = new Client(requests.fetch, session.token);

export const ClientContext = createContext(client);

export function useClient(): Client {
    return use(ClientContext);
}
