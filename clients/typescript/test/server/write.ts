// Messages in the databases of the demo, written past the server, as the platform would.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { conversation, variable } from './server.js';

/** Puts messages with these contents into hot, by the import command. */
export async function write(...contents: string[]): Promise<void> {
    const header = 'conversation_id,sender_id,content,created_at,is_read';
    const rows = contents.map((content) => `${conversation},1,${content},${new Date().toISOString()},false`);
    // The program refuses variables of its name that it does not know.
    const known = Object.entries(process.env).filter(([name]) => !name.startsWith('THERMOCLINE'));
    const tiers = ['hot', 'cold'].flatMap((tier) => [
        `--${tier}`,
        `sqlite:${variable('DEMO_FOLDER')}/${tier}.sqlite3`,
    ]);
    const command = spawn(variable('DEMO_PROGRAM'), ['import', 'messages', '-', ...tiers], {
        env: Object.fromEntries(known),
        stdio: ['pipe', 'ignore', 'inherit'],
    });
    command.stdin.end([header, ...rows, ''].join('\n'));
    const [status] = await once(command, 'exit');
    if (status !== 0) throw new Error(`the import ended with status ${status}`);
}
