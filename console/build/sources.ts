// Notes the checksum of every source file, so that a test of the program can tell whether the built files are up to date.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Plugin } from 'vite';

/** Files and folders that the built files follow from. */
export const SOURCES = ['build', 'index.html', 'package-lock.json', 'package.json', 'public', 'src', 'tsconfig.json', 'vite.config.ts'];

function files(path: string): string[] {
    if (!statSync(path).isDirectory()) return [path];
    return readdirSync(path).flatMap((name) => files(join(path, name)));
}

/** Returns the checksum of each source file by its path. */
export function checksums(root: string): Record<string, string> {
    const paths = SOURCES.flatMap((name) => files(join(root, name))).map((path) => relative(root, path).split(sep).join('/'));
    const plain = paths.filter((path) => !/\.test\.tsx?$/.test(path)).sort();
    return Object.fromEntries(
        plain.map((path) => [path, crc32(readFileSync(join(root, path))).toString(16).padStart(8, '0')]),
    );
}

export function sources(): Plugin {
    let root = '.';
    return {
        name: 'sources',
        apply: 'build',
        configResolved: (config) => { root = config.root; },
        closeBundle: () => writeFileSync(join(root, 'dist.sources.json'), `${JSON.stringify(checksums(root), null, 1)}\n`),
    };
}
