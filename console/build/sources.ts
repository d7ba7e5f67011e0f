// Notes the checksum of every source file, so that a test of the program can tell whether the built files are up to date.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Plugin } from 'vite';

/** Files and folders that the built files follow from, from the root of the repository. */
const ROOTS = [
    ...['build', 'index.html', 'package-lock.json', 'package.json', 'public', 'src', 'tsconfig.json', 'vite.config.ts'].map(
        (name) => `console/${name}`,
    ),
    // The client without its types, which leave no trace.
    ...['client', 'errors', 'events', 'feed', 'http', 'index', 'lines', 'list', 'live', 'surroundings'].map(
        (name) => `clients/typescript/src/${name}.ts`,
    ),
];

function files(path: string): string[] {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path).flatMap((name) => files(join(path, name)));
}

/** Returns the checksum of each source file by its path. */
function checksums(repository: string): Record<string, string> {
    const paths = ROOTS.flatMap((root) => files(join(repository, root))).map((path) => relative(repository, path).split(sep).join('/'));
    const sources = paths.filter((path) => !/\.test\.tsx?$/.test(path)).sort();
    return Object.fromEntries(
        sources.map((path) => [path, crc32(readFileSync(join(repository, path))).toString(16).padStart(8, '0')]),
    );
}

export function sources(): Plugin {
    let root = '.';
    return {
        name: 'sources',
        apply: 'build',
        configResolved: (config) => { root = config.root; },
        closeBundle() {
            const noted = { roots: ROOTS, checksums: checksums(join(root, '..')) };
            writeFileSync(join(root, 'dist.sources.json'), `${JSON.stringify(noted, null, 1)}\n`);
        },
    };
}
