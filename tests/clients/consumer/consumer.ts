// A program that knows the package alone: it compiles against its types, without skipping those of libraries.

import { isProblem, type Message, Thermocline } from 'thermocline-client';
import type { components } from 'thermocline-client/openapi';

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation } = process.env;
const client = new Thermocline({ url: url ?? '', token: token ?? '', ids: 'string' });

const rows: Message<'string'>[] = [];
for await (const message of client.messages(conversation ?? '', { limit: 20 })) {
    if (rows.push(message) === 50) break;
}
if (new Set(rows.map((row) => row.id)).size !== 50) throw new Error('failed: fifty rows, each once');
const health: components['schemas']['Health'] = await client.health();
const problem = await client.post(9_000_000_000).catch((error: unknown) => error);
if (!isProblem(problem, 'not-found')) throw new Error('failed: a typed problem');
console.log(`${rows.length} rows from a server that is ${health.status}`);
