import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, start, test, watch } from './demo';

/** An identity provider that signs everybody in as the demo's user, if PKCE is right. */
async function provider(token: () => string): Promise<{ server: Server; issuer: string; asked: URLSearchParams[] }> {
    const asked: URLSearchParams[] = [];
    let challenge = '';
    const server = createServer((request, response) => {
        const url = new URL(request.url!, issuer);
        response.setHeader('access-control-allow-origin', '*');
        if (url.pathname === '/.well-known/openid-configuration') {
            response.end(JSON.stringify({ authorization_endpoint: `${issuer}/authorize`, token_endpoint: `${issuer}/token` }));
        } else if (url.pathname === '/authorize') {
            asked.push(url.searchParams);
            challenge = url.searchParams.get('code_challenge')!;
            const back = new URL(url.searchParams.get('redirect_uri')!);
            back.searchParams.set('code', 'a code');
            back.searchParams.set('state', url.searchParams.get('state')!);
            response.writeHead(302, { location: back.href }).end();
        } else {
            let body = '';
            request.on('data', (part: Buffer) => { body += part.toString(); });
            request.on('end', () => {
                const sent = new URLSearchParams(body);
                const isRight = createHash('sha256').update(sent.get('code_verifier') ?? '').digest('base64url') === challenge && sent.get('code') === 'a code';
                response.writeHead(isRight ? 200 : 400).end(JSON.stringify(isRight ? { access_token: token() } : { error: 'invalid_grant' }));
            });
        }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    return { server, issuer, asked };
}

test('a provider signs in, by code and PKCE', async ({ page }) => {
    test.skip(!!process.env.CONSOLE_DIST, 'a browser lets no page that was answered from a file ask a local server');
    test.setTimeout(180_000);
    watch(page);
    let token = '';
    const { server, issuer, asked } = await provider(() => token);
    const folder = mkdtempSync(join(tmpdir(), 'console-'));
    const { demo, child } = await start(folder, { CONSOLE_OIDC_ISSUER: issuer, CONSOLE_OIDC_CLIENT_ID: 'console', CONSOLE_OIDC_SCOPE: 'openid data' });
    try {
        token = demo.token;
        await page.goto(`${demo.url}/console/#/charts/2330`);
        await page.getByRole('button', { name: /Sign in with 127\.0\.0\.1/ }).click();
        await expect(page.getByRole('heading', { name: /2330/ })).toBeVisible();
        // Nothing of the sign-in stays in the address.
        expect(page.url()).toBe(`${demo.url}/console/#/charts/2330`);
        expect(Object.fromEntries(asked[0]!)).toMatchObject({ client_id: 'console', scope: 'openid data', response_type: 'code', code_challenge_method: 'S256' });
        // An answer to no question is refused.
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.goto(`${demo.url}/console/?code=stolen&state=foreign`);
        await expect(page.getByRole('alert')).toContainText('another sign-in');
    } finally {
        child.kill('SIGTERM');
        server.close();
        rmSync(folder, { recursive: true, force: true });
    }
});
