// The server under test: the demo that tests/clients/run starts.

import { type ClientOptions, type IdMode, Thermocline } from '../../src/index.js';

export function variable(name: string): string {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set; tests/clients/run sets it`);
    return value;
}

export const url = variable('THERMOCLINE_URL');
export const token = variable('THERMOCLINE_TOKEN');
export const conversation = Number(variable('THERMOCLINE_CONVERSATION'));

export const client = <Mode extends IdMode = 'number'>(options: ClientOptions<Mode> = {}) =>
    new Thermocline({ url, token, ...options });
