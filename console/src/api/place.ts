/** Where the page is served: `/console/`, or the same behind a prefix. Everything else of the server is beside it. */
export const CONSOLE = new URL('.', document.baseURI);
export const SERVER = new URL('..', CONSOLE);

/** Returns the full address of a path of the server, given without its first slash. */
export function address(path: string): string {
    return new URL(path.replace(/^\//, ''), SERVER).href;
}
