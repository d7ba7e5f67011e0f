// Draws the pictures of the README: PICTURES=1 npm run e2e -- pictures
import { writeFileSync } from 'node:fs';
import type { Page } from '@playwright/test';
import { expect, messages, show, test } from './demo';

const FOLDER = '../docs/images';

async function draw(page: Page, name: string) {
    const session = await page.context().newCDPSession(page);
    const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 80 });
    writeFileSync(`${FOLDER}/${name}.webp`, Buffer.from(data, 'base64'));
    await session.detach();
}

async function settle(page: Page, hash: string) {
    await show(page, hash);
    await page.waitForTimeout(1_500);
}

test.skip(!process.env.PICTURES, 'draws pictures');

test('pictures of each view', async ({ console: page, demo }) => {
    await page.emulateMedia({ reducedMotion: 'reduce' });
    // Some rows above the line between the tiers.
    interface Rows { messages: { created_at: string; from_archive: boolean }[]; next: string }
    const list = `/api/conversations/${demo.conversation}/messages?limit=100`;
    let rows: Rows = await demo.get(list);
    while (!rows.messages.some((row) => row.from_archive)) rows = await demo.get(`${list}&before=${rows.next}`);
    const boundary = rows.messages.filter((row) => row.from_archive)[5]!.created_at;
    for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width: 1280, height: 800 });
        await settle(page, `#/chat/${demo.conversation}?at=${boundary}`);
        await expect(messages(page).getByRole('separator')).toHaveCount(1);
        await draw(page, `console-chat-${scheme}`);
        await settle(page, scheme === 'light' ? '#/charts/2330' : '#/charts/2330?interval=week&compare=2317');
        await draw(page, `console-charts-${scheme}`);
        await settle(page, '#/tiers');
        await draw(page, `console-tiers-${scheme}`);
        await page.getByRole('region', { name: 'Movers' }).evaluate((movers) => movers.scrollIntoView());
        await draw(page, `console-movers-${scheme}`);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    for (const [name, hash] of [['chat', `#/chat/${demo.conversation}`], ['charts', '#/charts/2330'], ['tiers', '#/tiers']] as const) {
        await page.emulateMedia({ colorScheme: name === 'tiers' ? 'dark' : 'light' });
        await settle(page, hash);
        await draw(page, `console-${name}-phone`);
    }
});
