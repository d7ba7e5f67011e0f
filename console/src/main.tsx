import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app';
import { readConfig, type Config } from './session/config';
import { completeSignIn } from './session/oidc';
import { takeTokenOfAddress } from './session/session';
import './styles/index.css';

takeTokenOfAddress();
// A link with a token, opened in a tab that shows the page already.
addEventListener('hashchange', takeTokenOfAddress);

let config: Config | null = null;
let fault: string | null = null;
try {
    config = await readConfig();
    if (config.oidc) await completeSignIn(config.oidc);
} catch (error) {
    // Without its configuration the page can still be used with a token.
    if (config) fault = error instanceof Error ? error.message : String(error);
}

createRoot(document.getElementById('root')!).render(
    <StrictMode>
        <App config={config} fault={fault} />
    </StrictMode>,
);
