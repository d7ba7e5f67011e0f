import { defineConfig } from '@playwright/test';

/** The tests of the page in a browser, against a demo that they start. `npm run e2e` */
export default defineConfig({
    testDir: 'e2e',
    // One demo, and rows that move for everybody.
    workers: 1,
    timeout: 60_000,
    expect: { timeout: 15_000 },
    reporter: [['list']],
    use: {
        viewport: { width: 1280, height: 800 },
        locale: 'en-GB',
        timezoneId: 'Asia/Taipei',
        permissions: ['clipboard-read', 'clipboard-write'],
        launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
    },
});
