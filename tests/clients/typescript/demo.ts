// The demo that every client asks, and the checks that every client passes.

const variable = (name: string): string => {
    const value = process.env[name];
    if (!value) throw new Error(`${name} is not set`);
    return value;
};

export const url = variable('THERMOCLINE_URL');
export const token = variable('THERMOCLINE_TOKEN');
export const conversation = Number(variable('THERMOCLINE_CONVERSATION'));
/** An id that no row has. */
export const absent = 9_000_000_000;

export function check(condition: boolean, what: string): asserts condition {
    if (!condition) throw new Error(`failed: ${what}`);
}

/** Checks that pages are not empty, and that each begins where the one before ended. */
export function checkPages(pages: { id: number; createdAt: string | Date }[][]): void {
    const rows = pages.flat();
    check(pages.length === 3 && pages.every((page) => page.length === 4), 'three pages of four rows');
    check(new Set(rows.map((row) => row.id)).size === rows.length, 'no row comes twice');
    const times = rows.map((row) => new Date(row.createdAt).getTime());
    check(times.every((time, place) => place === 0 || time <= times[place - 1]), 'newest first');
}

export function checkProblem(problem: { type: string; status: number; detail: string; success: boolean }): void {
    check(problem.type === '/problems/not-found' && problem.status === 404, 'the type of the problem');
    check(problem.detail.length > 0 && problem.success === false, 'the members of the problem');
}

export function run(scenario: () => Promise<void>): void {
    scenario().catch((error: unknown) => {
        console.error(error);
        process.exitCode = 1;
    });
}
