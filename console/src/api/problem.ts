import type { components } from './schema';

type Details = components['schemas']['Problem'];

/** A refusal of the server (RFC 9457), or a failure to reach it. */
export class Problem extends Error {
    override name = 'Problem';

    private constructor(
        message: string,
        /** The status of the answer; 0 without an answer. */
        readonly status: number,
        /** The name of the problem, such as `tier-unavailable`; `unreachable` without an answer. */
        readonly kind: string,
        /** The seconds after which another try makes sense. */
        readonly retryAfter: number | null,
        readonly requestId: string | null,
        /** The database that cannot be reached. */
        readonly tier: string | null,
    ) {
        super(message);
    }

    static async of(answer: Response): Promise<Problem> {
        const details = (await answer.json().catch(() => ({}))) as Partial<Details>;
        const kind = details.type?.split('/').pop() ?? `http-${answer.status}`;
        const retryAfter = Number(answer.headers.get('retry-after')) || null;
        const message = details.detail ?? details.title ?? answer.statusText;
        const id = details.request_id ?? answer.headers.get('x-request-id');
        return new Problem(message, answer.status, kind, retryAfter, id, details.tier ?? null);
    }

    static unreachable(error: unknown): Problem {
        const message = error instanceof Error ? error.message : String(error);
        return new Problem(message, 0, 'unreachable', null, null, null);
    }

    /** Whether another try may succeed without a change of the request. */
    get isPassing(): boolean {
        return this.status === 0 || this.status === 429 || this.status >= 502;
    }
}
