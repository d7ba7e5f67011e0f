// An infinite query of TanStack Query, begun in the middle of a conversation: both directions end by themselves.
// THERMOCLINE_URL, THERMOCLINE_TOKEN and THERMOCLINE_CONVERSATION name the server, the caller, and a conversation of theirs.
import assert from "node:assert/strict";
import { InfiniteQueryObserver, QueryClient } from "@tanstack/query-core";

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation } = process.env;

async function get(path, params) {
  const answer = await fetch(`${url}${path}?${new URLSearchParams(params)}`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

// Every row by numbered pages, which the infinite query does not use.
async function everything(path, name) {
  const rows = [];
  let [page, as_of] = [1, undefined];
  for (;;) {
    const body = await get(path, { page, per_page: 100, ...(as_of && { as_of }) });
    assert.equal(body.position, (page - 1) * 100);
    assert.equal(body.has_newer, page > 1);
    rows.push(...body[name]);
    if (!body.has_more) return rows;
    [page, as_of] = [page + 1, body.as_of];
  }
}

async function bothWays(path, name, most) {
  const all = (await everything(path, name)).map((row) => row.id);
  assert.ok(all.length > 3, `${path} holds too little to show anything`);
  const limit = Math.min(100, Math.max(2, Math.ceil(all.length / most)));
  const middle = all[Math.floor(all.length / 2)];
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const observer = new InfiniteQueryObserver(client, {
    queryKey: [path],
    initialPageParam: { around: middle },
    queryFn: ({ pageParam }) => get(path, { limit, ...pageParam }),
    getNextPageParam: (last) => (last.has_more ? { before: last.next } : undefined),
    getPreviousPageParam: (first) => (first.has_newer ? { after: first.prev } : undefined),
  });
  const unsubscribe = observer.subscribe(() => {});
  let result = await observer.refetch();
  let requests = 1;
  while (result.hasPreviousPage) {
    result = await observer.fetchPreviousPage();
    requests += 1;
  }
  while (result.hasNextPage) {
    result = await observer.fetchNextPage();
    requests += 1;
  }
  assert.equal(result.status, "success", String(result.error));
  assert.deepEqual(result.data.pages.flatMap((page) => page[name]).map((row) => row.id), all);
  // No page in vain: each but the first brought rows.
  assert.ok(result.data.pages.every((page) => page[name].length > 0));
  unsubscribe();
  client.clear();
  console.log(`tanstack: ${all.length} rows of ${path} in ${requests} pages, both ways`);
}

await bothWays(`/api/conversations/${conversation}/messages`, "messages", 40);
await bothWays("/api/posts", "posts", 20);
await bothWays("/api/conversations", "conversations", 5);
