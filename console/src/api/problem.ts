import { ConnectionError, ProblemError } from 'thermocline-client';

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

    /** Returns the failure of a request. */
    static of(error: unknown): unknown {
        if (error instanceof ProblemError) {
            const { problem, status, kind, retryAfter, requestId } = error;
            return new Problem(problem.detail, status, kind, retryAfter ?? null, requestId ?? null, problem.tier ?? null);
        }
        if (error instanceof ConnectionError || error instanceof TypeError) {
            return new Problem(error.message, 0, 'unreachable', null, null, null);
        }
        return error;
    }

    /** Whether another try may succeed without a change of the request. */
    get isPassing(): boolean {
        return this.status === 0 || this.status === 429 || this.status >= 502;
    }
}
