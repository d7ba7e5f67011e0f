import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { brotli } from './build/brotli.ts';
import { sources } from './build/sources.ts';

export default defineConfig({
    // Every address is relative: the page works behind any prefix.
    base: './',
    // The client of this repository, as others install it.
    resolve: { alias: { 'thermocline-client': fileURLToPath(new URL('../clients/typescript/src/index.ts', import.meta.url)) } },
    plugins: [react(), brotli(), sources()],
    build: {
        outDir: 'dist',
        sourcemap: false,
        target: 'es2022',
        // Data in the page itself would need a wider policy.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: true,
    },
    server: {
        // `npm run dev` beside `thermocline demo`.
        proxy: {
            '^/(api|udf|health|metrics|openapi.json|console/config.json)': process.env.THERMOCLINE_URL ?? 'http://127.0.0.1:8080',
        },
    },
    test: { include: ['src/**/*.test.ts'] },
});
