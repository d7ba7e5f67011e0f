import AxeBuilder from '@axe-core/playwright';
import { expect, show, test } from './demo';

const VIEWS = (conversation: number) => [`#/chat/${conversation}`, '#/charts/2330?interval=week', '#/tiers', '#/api', '#/glossary/epoch', '#/chat'];

for (const scheme of ['light', 'dark'] as const) {
    for (const [name, size] of Object.entries({ desk: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } })) {
        test(`axe finds nothing, ${scheme}, ${name}`, async ({ console: page, demo }) => {
            await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
            await page.setViewportSize(size);
            for (const view of VIEWS(demo.conversation)) {
                await show(page, view);
                await page.waitForTimeout(900);
                const { violations } = await new AxeBuilder({ page }).analyze();
                expect(violations.map(({ id, nodes }) => `${view} ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`)).toEqual([]);
                // Nothing is wider than the screen.
                expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(size.width);
            }
        });
    }
}

test('axe finds nothing before signing in', async ({ page, demo }) => {
    await page.goto(`${demo.url}/console/`);
    await expect(page.getByRole('heading', { name: 'See the two waters' })).toBeVisible();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
});

test('everything speaks Chinese, and remembers it', async ({ console: page, demo }) => {
    await page.getByRole('button', { name: '繁體中文' }).click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'zh-Hant');
    await page.reload();
    for (const [view, text] of [[`#/chat/${demo.conversation}`, '搜尋這個對話'], ['#/charts/2330', '股票'], ['#/tiers', '兩層水'], ['#/tiers', '全部暫停'], ['#/api', '本頁的請求']] as const) {
        await show(page, view);
        await expect(page.getByText(text).or(page.getByLabel(text)).first()).toBeVisible();
    }
    await page.getByRole('button', { name: 'English' }).click();
    await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('the keyboard alone is enough', async ({ console: page, demo }) => {
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toBeFocused();
    await page.keyboard.press('Enter');
    await expect(page.getByRole('region', { name: 'Messages' })).toBeVisible();
    await show(page, `#/chat/${demo.conversation}?page=3`);
    const list = page.getByRole('region', { name: 'Messages' });
    await expect(list.getByRole('article').first()).toBeVisible();
    await list.focus();
    await page.keyboard.press('End');
    await expect(page.getByRole('textbox', { name: 'Page' })).toHaveValue('1');
});
