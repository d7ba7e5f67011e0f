// A charting library's requests against a server whose prices are public (THERMOCLINE_PRICES_PUBLIC=true).
// THERMOCLINE_URL names it. UDF_ADAPTER is the path of the adapter that comes with a charting library
// (datafeeds/udf/dist/bundle.js). Its licence does not allow to keep it here, so without it the steps that it takes run alone.
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { THERMOCLINE_URL: url, UDF_ADAPTER: adapter } = process.env;
const DAY = 86_400;

const get = async (path) => (await fetch(`${url}${path}`)).json();

// The prices themselves, by the route for prices: the bars must be these.
async function closes(symbol) {
  const { prices } = await get(`/api/stocks/symbols/${symbol}/prices?start_date=1990-01-01&order=asc`);
  const traded = prices.filter((price) => price.close_price !== null);
  return traded.map((price) => [Date.parse(price.trade_date) / 1000, price.close_price]);
}

const config = await get("/udf/config");
assert.ok(config.supports_search && config.supports_time && !config.supports_group_request);
assert.ok(Math.abs((await get("/udf/time")) - Date.now() / 1000) < 60);
const [found] = await get("/udf/search?query=&type=&exchange=&limit=1");
const symbol = await get(`/udf/symbols?symbol=${encodeURIComponent(found.full_name)}`);
assert.equal(symbol.ticker, found.ticker);
assert.equal((await get("/udf/symbols?symbol=NONE")).s, "error");
const expected = await closes(symbol.ticker);
assert.ok(expected.length > 100);

// As a chart that is scrolled to the left: older and older windows, over gaps by nextTime, until nothing is older.
async function scroll(resolution, width) {
  const bars = [];
  let [to, requests] = [Math.floor(Date.now() / 1000), 0];
  for (;;) {
    const query = `symbol=${symbol.ticker}&resolution=${resolution}&from=${to - width}&to=${to}`;
    const part = await get(`/udf/history?${query}`);
    requests += 1;
    if (part.s === "ok") {
      bars.unshift(...part.t.map((at, place) => [at, part.c[place]]));
      to -= width;
    } else {
      assert.equal(part.s, "no_data");
      if (part.nextTime === undefined) return [bars, requests];
      to = part.nextTime + 1;
    }
  }
}

const [daily, requests] = await scroll("1D", 60 * DAY);
assert.deepEqual(daily, expected);
const [weekly] = await scroll("1W", 200 * DAY);
const [monthly] = await scroll("1M", 900 * DAY);
const last = (key) => [...new Map(expected.map(([at, close]) => [key(new Date(at * 1000)), close])).values()];
assert.deepEqual(monthly.map(([, close]) => close), last((day) => day.toISOString().slice(0, 7)));
const monday = (day) => Math.floor((day / 1000 / DAY + 3) / 7);
assert.deepEqual(weekly.map(([, close]) => close), last(monday));
console.log(`udf: ${daily.length} days in ${requests} requests, ${weekly.length} weeks, ${monthly.length} months`);

if (!adapter) {
  console.log("udf: UDF_ADAPTER is not set, so the adapter of a charting library is skipped");
  process.exit(0);
}
const Datafeeds = createRequire(import.meta.url)(adapter);
const feed = new Datafeeds.UDFCompatibleDatafeed(`${url}/udf`, 60_000);
const ready = await new Promise((resolve) => feed.onReady(resolve));
assert.deepEqual(ready.supported_resolutions, ["1D", "1W", "1M"]);
const matches = await new Promise((resolve) => feed.searchSymbols(symbol.ticker, "", "", resolve));
assert.equal(matches[0].ticker, symbol.ticker);
const info = await new Promise((resolve, reject) => feed.resolveSymbol(symbol.ticker, resolve, reject));
await assert.rejects(new Promise((resolve, reject) => feed.resolveSymbol("NONE", resolve, reject)));
const window = { from: expected[0][0], to: expected.at(-1)[0] + 1, countBack: expected.length, firstDataRequest: true };
const bars = await new Promise((resolve, reject) => feed.getBars(info, "1D", window, resolve, reject));
assert.deepEqual(bars.map((bar) => [bar.time / 1000, bar.close]), expected);
console.log(`udf: the adapter of a charting library reads ${bars.length} bars`);
process.exit(0);
