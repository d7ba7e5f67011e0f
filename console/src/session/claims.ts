/** The parts of a token that the page shows. The server alone decides what they are worth. */
export interface Claims {
    subject: string | null;
    /** When the token ends, in milliseconds since 1970. */
    expires: number | null;
}

/** Reads a JWT; null for anything else. */
export function readClaims(token: string): Claims | null {
    const part = token.split('.');
    if (part.length !== 3 || !part[1]) return null;
    try {
        const bytes = Uint8Array.from(atob(part[1].replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
        const claims = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
        const subject = claims.sub ?? claims.user_id ?? null;
        return {
            subject: subject === null ? null : String(subject),
            expires: typeof claims.exp === 'number' ? claims.exp * 1000 : null,
        };
    } catch {
        return null;
    }
}

/** Returns the token of a pasted text: the token, or a header with it. */
export function pastedToken(text: string): string {
    return text.trim().replace(/^["']?(authorization:\s*)?(bearer\s+)?/i, '').replace(/["']$/, '');
}
