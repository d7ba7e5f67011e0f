import { expect, test, watch } from './demo';

test('a link signs in, and leaves no token behind', async ({ console: page, demo }) => {
    expect(page.url()).not.toContain('token');
    expect(demo.console).toContain('/console/#token=');
    // Neither going back nor a reload shows it again.
    expect(await page.evaluate(() => JSON.stringify(history.state) + document.referrer)).not.toContain('eyJ');
    await page.reload();
    await expect(page.getByRole('navigation', { name: 'Conversations' }).getByRole('link').first()).toBeVisible();
    expect(await page.evaluate(() => localStorage.length && JSON.stringify(localStorage))).not.toContain('eyJ');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { name: 'See the two waters' })).toBeVisible();
    await page.reload();
    await expect(page.getByRole('heading', { name: 'See the two waters' })).toBeVisible();
});

test('a token is pasted', async ({ page, demo }) => {
    watch(page);
    await page.goto(`${demo.url}/console/`);
    const field = page.getByLabel('Token');
    await field.fill('nonsense');
    await field.press('Enter');
    await expect(page.getByRole('alert')).toContainText('no token');
    await field.fill(demo.token.replace(/\.[^.]+$/, '.AAAA'));
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('does not accept');
    await field.fill(`Authorization: Bearer ${demo.token}`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('navigation', { name: 'Conversations' })).toBeVisible();
});

test('the entrance leads here', async ({ page, demo }) => {
    await page.goto(demo.url);
    await page.getByRole('link', { name: /Console/ }).click();
    await expect(page).toHaveURL(`${demo.url}/console/`);
    await expect(page.getByRole('heading', { name: 'See the two waters' })).toBeVisible();
});
