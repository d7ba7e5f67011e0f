// Writes each text file of the bundle a second time, compressed as well as Brotli can. The server compresses nothing then.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import type { Plugin } from 'vite';

/** Smaller files gain nothing. */
const SMALLEST = 1024;

export function brotli(): Plugin {
    let folder = 'dist';
    return {
        name: 'brotli',
        apply: 'build',
        configResolved: (config) => { folder = join(config.root, config.build.outDir); },
        closeBundle() {
            for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
                if (!/\.(js|css|html|svg)$/.test(name)) continue;
                const content = readFileSync(join(folder, name));
                if (content.length < SMALLEST) continue;
                const params = {
                    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
                    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
                };
                writeFileSync(join(folder, `${name}.br`), brotliCompressSync(content, { params }));
            }
        },
    };
}
