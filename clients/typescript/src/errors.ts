// Failures as callers see them: a problem of the server, or no answer at all.

import type { Problem } from './types.js';

/** The problem types of the API, in the order of their documentation. */
export const PROBLEM_KINDS = [
    'invalid-parameter',
    'invalid-cursor',
    'unauthorized',
    'forbidden',
    'not-found',
    'method-not-allowed',
    'not-acceptable',
    'changes-expired',
    'payload-too-large',
    'rate-limited',
    'overloaded',
    'internal',
    'tier-unavailable',
    'recover-due',
    'timeout',
] as const;

export type ProblemKind = (typeof PROBLEM_KINDS)[number];

/** The server's answer is a problem (RFC 9457). */
export class ProblemError extends Error {
    override readonly name = 'ProblemError';
    /** The problem type; `unknown` for types of a newer server, and for answers of a proxy. */
    readonly kind: ProblemKind | 'unknown';
    readonly status: number;
    readonly problem: Problem;
    /** The id under which the log of the server has the request. */
    readonly requestId: string | undefined;
    /** Seconds after which the server wants to be asked again. */
    readonly retryAfter: number | undefined;

    constructor(problem: Problem, retryAfter?: number) {
        super(`${problem.title}: ${problem.detail}`);
        this.problem = problem;
        this.status = problem.status;
        this.requestId = problem.request_id;
        this.retryAfter = retryAfter;
        const name = problem.type.split('/').at(-1);
        this.kind = PROBLEM_KINDS.find((kind) => kind === name) ?? 'unknown';
    }

    /** Whether the same request may succeed later. */
    get temporary(): boolean {
        return [429, 502, 503, 504].includes(this.status);
    }
}

/** There was no answer, or it broke off: the network, or a server that stopped in the middle. */
export class ConnectionError extends Error {
    override readonly name = 'ConnectionError';
    readonly temporary = true;
}

/** Whether `error` is a problem of the server, of this kind if one is named. */
export function isProblem<Kind extends ProblemError['kind'] = ProblemError['kind']>(
    error: unknown,
    kind?: Kind,
): error is ProblemError & { readonly kind: Kind } {
    return error instanceof ProblemError && (kind === undefined || error.kind === kind);
}

/** Whether `error` is a failure that may pass: asking again later makes sense. */
export function isTemporary(
    error: unknown,
): error is (ProblemError | ConnectionError) & { readonly temporary: true } {
    return (error instanceof ProblemError || error instanceof ConnectionError) && error.temporary;
}

/** Reads the problem in an answer, or makes one of an answer that is none. */
export async function problemOf(response: Response): Promise<ProblemError> {
    const text = await response.text().catch(() => '');
    return new ProblemError(parseProblem(text) ?? foreignProblem(response), retryAfter(response));
}

function parseProblem(text: string): Problem | undefined {
    try {
        const body: unknown = JSON.parse(text);
        const members = typeof body === 'object' && body !== null ? Object.keys(body) : [];
        const isWhole = ['type', 'title', 'status', 'detail'].every((name) => members.includes(name));
        return isWhole ? (body as Problem) : undefined;
    } catch {
        return undefined;
    }
}

/** The problem of an answer that this API has not written, such as a proxy's page. */
function foreignProblem(response: Response): Problem {
    const detail = `The answer has status ${response.status} and is no problem document.`;
    return {
        type: 'about:blank',
        title: response.statusText || `Status ${response.status}`,
        status: response.status,
        detail,
        message: detail,
        success: false,
    };
}

/** The seconds that `Retry-After` asks for, as a number or a date. */
function retryAfter(response: Response): number | undefined {
    const header = response.headers.get('retry-after');
    if (header === null) return undefined;
    const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
    return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}
