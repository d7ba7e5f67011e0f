// The official client of the Model Context Protocol against a running server.
// THERMOCLINE_URL, THERMOCLINE_TOKEN and THERMOCLINE_CONVERSATION name the server, the caller, and a conversation of theirs.
import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const { THERMOCLINE_URL: url, THERMOCLINE_TOKEN: token, THERMOCLINE_CONVERSATION: conversation } = process.env;
const endpoint = new URL(`${url}/mcp`);

function transport(headers) {
  return new StreamableHTTPClientTransport(endpoint, { requestInit: { headers } });
}

const client = new Client({ name: "thermocline-test", version: "1.0.0" });
await client.connect(transport({ Authorization: `Bearer ${token}` }));
assert.equal(client.getServerVersion().name, "thermocline");

// Listing the tools also compiles their output schemas: from here on the client checks each answer against them.
const { tools } = await client.listTools();
assert.deepEqual(
  tools.map((tool) => tool.name),
  ["list_conversations", "read_messages", "search_messages", "list_posts", "read_post", "get_prices"],
);
assert.ok(tools.every((tool) => tool.outputSchema && tool.annotations.readOnlyHint));

async function call(name, args) {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, `${name}: ${JSON.stringify(result.content)}`);
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
}

const mine = await call("list_conversations", { limit: 3 });
assert.ok(mine.conversations.length > 0);

// A walk from the newest message to the oldest and back again: every message once.
const id = Number(conversation);
let page = await call("read_messages", { conversation_id: id, limit: 50 });
assert.equal(page.has_newer, false);
const down = page.messages.map((message) => message.id);
while (page.has_more && down.length < 400) {
  page = await call("read_messages", { conversation_id: id, limit: 50, before: page.next });
  down.push(...page.messages.map((message) => message.id));
}
assert.equal(new Set(down).size, down.length);
const up = page.messages.map((message) => message.id).reverse();
while (page.has_newer) {
  page = await call("read_messages", { conversation_id: id, limit: 50, after: page.prev });
  up.push(...page.messages.map((message) => message.id).reverse());
}
assert.deepEqual(up.reverse(), down.slice(0, up.length));

// Whole characters: half of one is no JSON.
const [newest] = (await call("read_messages", { conversation_id: id, limit: 1 })).messages;
const word = [...newest.content].slice(0, 3).join("");
const found = await call("search_messages", { conversation_id: id, q: word });
assert.ok(found.messages.length > 0);
const posts = await call("list_posts", { limit: 2 });
const post = await call("read_post", { post_id: posts.posts[0].id });
assert.equal(post.post.id, posts.posts[0].id);
const symbols = (await (await fetch(`${url}/api/stocks`, { headers: { Authorization: `Bearer ${token}` } })).json()).stocks;
const prices = await call("get_prices", { symbols: [symbols[0].symbol, "NONE"], interval: "month", limit: 5 });
assert.deepEqual(prices.unknown, ["NONE"]);
assert.ok(prices.stocks[0].prices.length > 0);

// A refusal is text that a model can act on.
const refused = await client.callTool({ name: "read_messages", arguments: { conversation_id: 9007199254740991 } });
assert.equal(refused.isError, true);
assert.match(refused.content[0].text, /^not-found: /);
await client.close();

const stranger = new Client({ name: "thermocline-test", version: "1.0.0" });
await assert.rejects(stranger.connect(transport({})), /401|[Uu]nauthorized/);
console.log(`mcp: ${down.length} messages walked, ${tools.length} tools`);
