import { CONSOLE } from '../api/place';

/** The configuration, which the page asks the server for before anything else. */
export interface Config {
    version: string;
    prices_public: boolean;
    /** Absent when no provider is configured. */
    oidc?: { issuer: string; client_id: string; scope: string };
}

export async function readConfig(): Promise<Config> {
    const answer = await fetch(new URL('config.json', CONSOLE));
    if (!answer.ok) throw new Error(`config.json: ${answer.status}`);
    return (await answer.json()) as Config;
}
