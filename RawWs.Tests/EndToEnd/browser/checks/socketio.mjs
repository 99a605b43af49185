// The official client in the browser: the yardstick's code, and the demo pages that use it.

import { ensure, isOpen, waitForFrames } from "../harness.mjs";

const SCRIPT = "/socket.io/socket.io.js";
const TWIN = "?dialect=socketio";

// What an application of Socket.IO serves. Nothing but the URL and the options of `io` are filled in.
const yardstick = (url, options) => `<!doctype html>
<title>Yardstick</title>
<link rel="icon" href="favicon.svg">
<script src="${SCRIPT}"></script>
<script>
const socket = io(${JSON.stringify(url)}${options});
socket.on("connect", () => console.log("connected", socket.id));
socket.on("disconnect", reason => console.log("disconnected", reason));

socket.emit("client message", { msg: "hi, server" });
socket.on("server message", data => console.log(data.msg));

const timer = setInterval(() => socket.emit("random", Math.random()), 500);
socket.on("warn", count => console.log("warnings so far: " + count));
socket.on("disconnect", () => clearInterval(timer));
</script>`;

export const socketIoChecks = {
  "the yardstick's code does all it should": tabs => runYardstick(tabs, ""),
  "the yardstick's code does all it should over polling alone": tabs =>
    runYardstick(tabs, ', { transports: ["polling"] }'),

  "an envelope tab and a Socket.IO tab chat with each other": async tabs => {
    const set = await tabs();
    const envelope = await set.openConnected("chat.html");
    const socketIo = await set.openConnected(`chat.html${TWIN}`);
    await says(envelope, "from the envelope", socketIo);
    await says(socketIo, "from Socket.IO", envelope);
    const author = await envelope.locator(".message:not(.own) b").textContent();
    ensure(author === await socketIo.locator("#me").textContent(), `it came from ${author}`);
    await socketIo.close();
    await envelope.locator("#messages", { hasText: "Someone left." }).waitFor();
    ensure(set.complaints.length === 0, "the console complained");
  },

  "two tabs chat where no WebSocket gets through": async tabs => {
    const set = await tabs();
    const before = page => page.addInitScript(() => { globalThis.WebSocket = undefined; });
    const one = await set.openConnected(`chat.html${TWIN}`, { before });
    const two = await set.openConnected(`chat.html${TWIN}`, { before });
    await says(one, "by polling", two);
    await says(two, "likewise", one);
  },

  "the story is told over Socket.IO": async tabs => {
    const page = await (await tabs()).openConnected(`story.html${TWIN}`);
    await page.locator("#log li", { hasText: "client connect server success" }).waitFor();
    await page.click("#send-high");
    await page.click("#send-high");
    await page.locator("#warnings", { hasText: /^2$/ }).waitFor();
    const late = Number((await page.locator("#late").textContent()).match(/[\d.]+/)[0]);
    ensure(late >= 0.9 && late <= 10, `it came after ${late} s`);
    ensure(Number(await page.locator("#sent").textContent()) >= 3, "the numbers do not flow");
    return `after ${late} s`;
  },

  "quotes move and tickets are bought over Socket.IO": async tabs => {
    const set = await tabs();
    const page = await set.openConnected(`quotes.html${TWIN}`);
    const watcher = await set.openConnected("quotes.html");
    await page.waitForFunction(() => Number(document.getElementById("updates").textContent) >= 3);
    await watcher.locator("#tickets .ticket").first().waitFor();
    const card = page.locator("#tickets .ticket", { has: page.locator("button:enabled") }).first();
    const name = await card.getAttribute("data-name");
    await card.locator("button").click();
    const receipt = page.locator("#receipt", { hasText: `Yours: one ticket for ${name}.` });
    const [, remaining] = (await receipt.textContent()).match(/(\d+) left/);
    await watcher.waitForFunction(([wanted, left]) => {
      const seen = document.querySelector(`.ticket[data-name="${CSS.escape(wanted)}"] [data-part="remaining"]`);
      return Number(seen.textContent) <= left;
    }, [name, Number(remaining)]);
  },

  "a Socket.IO page shows how its connection ended, and comes back": async tabs => {
    const page = await (await tabs()).openConnected(`story.html${TWIN}`);
    const id = page.locator('#state-line [data-part="id"]');
    const before = await id.textContent();
    // The packet of Engine.IO by which a client moves to its WebSocket.
    await waitForFrames(page, { direction: "out", text: "5" });
    await page.evaluate(() => recorded.sockets.at(-1).close());
    await page.waitForFunction(() => recorded.states.includes("Closed: “transport close”"));
    await page.locator("#state-line", { hasText: "Closed before: “transport close”" }).waitFor();
    await isOpen(page);
    ensure(await id.textContent() !== before, "the new connection has the old id");
  },

  "the switch of a page leads to the other dialect and keeps it": async tabs => {
    const page = await (await tabs()).openConnected("story.html");
    await page.getByRole("link", { name: "Socket.IO" }).click();
    await page.waitForURL(`**/story.html${TWIN}`);
    await isOpen(page);
    await page.getByRole("link", { name: "Chat" }).click();
    await page.waitForURL(`**/chat.html${TWIN}`);
    await isOpen(page);
    await page.getByRole("link", { name: "Envelope" }).click();
    await page.waitForURL("**/chat.html");
    await isOpen(page);
  },

  "a page without the client's script says how to install it": async tabs => {
    const missing = route => route.fulfill({ status: 404, body: "" });
    const before = page => page.route(`**${SCRIPT}`, missing);
    const page = await (await tabs()).open(`chat.html${TWIN}`, { before });
    await page.locator('#state-line[data-state="closed"]').waitFor();
    await page.locator("#state-line", { hasText: "npm install socket.io-client" }).waitFor();
    await page.unroute(`**${SCRIPT}`, missing);
    await page.getByRole("button", { name: "Reconnect now" }).click();
    await isOpen(page);
    const text = await page.locator("#state-line").textContent();
    ensure(!text.includes("npm install"), "the page still says how to install it");
  },
};

// The six points of the story, numbered as there.
async function runYardstick(tabs, options) {
  // A page that the test itself has made needs this permission to connect to this machine.
  const set = await tabs({ permissions: ["local-network-access"] });
  const [first, second] = [await runClient(set, options, 0.97), await runClient(set, options, 0.5)];

  // 1: pages and health share the port.
  const health = await first.page.evaluate(async () => (await fetch("/health")).json());
  ensure(health.status === "ok", `health: ${JSON.stringify(health)}`);

  // 2: all hear of the newcomer, and all but the newcomer get the broadcast.
  await first.heard("broadcast");
  await first.heard("client connect server success", 2);
  await second.heard("client connect server success");

  // 3 and 4: handlers get the events; the warnings come a second late, counted, to their client alone,
  // while other events go on.
  const ack = await first.page.evaluate(() => socket.timeout(5000).emitWithAck("client message", { msg: "again" }));
  ensure(ack === "ok", `the ack was ${JSON.stringify(ack)}`);
  await first.heard("warnings so far: 1");
  await first.heard("warnings so far: 2");
  await second.page.evaluate(() => socket.timeout(5000).emitWithAck("client message", { msg: "fence" }));
  for (const [line, count] of [["broadcast", 0], ["client connect server success", 1]])
    ensure(second.lines.filter(known => known === line).length === count, `the newcomer heard ${second.lines}`);
  ensure(!second.lines.some(line => line.startsWith("warnings")), "the other client was warned too");
  const late = await first.page.evaluate(() => new Promise(resolve => {
    clearInterval(timer);
    // Those under way must not be taken for the answer.
    setTimeout(() => {
      const sent = performance.now();
      socket.once("warn", () => resolve(performance.now() - sent));
      socket.emit("random", 0.99);
    }, 2500);
  }));
  ensure(late >= 900 && late <= 10_000, `the warning came after ${late} ms`);

  // 6: quotes and tickets come by themselves.
  const quote = await second.page.evaluate(async () => {
    const quotes = new Promise(resolve => socket.once("quote", resolve));
    await socket.timeout(5000).emitWithAck("quotes subscribe", {});
    return quotes;
  });
  ensure(Number.isFinite(quote.price), `a quote was ${JSON.stringify(quote)}`);

  // 5: the server hangs up, the client sees that; the server has seen it with its reason, and tells the others.
  const left = second.page.evaluate(() => new Promise(resolve => socket.once("left", resolve)));
  const transport = await first.page.evaluate(() => socket.io.engine.transport.name);
  await first.page.evaluate(() => socket.emit("disconnect-me"));
  await first.heard("disconnected io server disconnect");
  const { id, reason } = await left;
  ensure(first.lines.includes(`connected ${id}`), `${id} left, which was not the client`);
  ensure(reason === "server namespace disconnect", `the server saw “${reason}”`);
  ensure(set.complaints.length === 0, "the console complained");
  ensure(transport === (options === "" ? "websocket" : "polling"), `the transport was ${transport}`);
  return `${transport}, warned after ${Math.round(late)} ms`;
}

async function runClient(set, options, random) {
  const lines = [];
  const waiting = new Set();
  const before = page => {
    page.on("console", message => {
      lines.push(message.text());
      for (const look of waiting) look();
    });
    return page.route("**/yardstick.html", route => route.fulfill({
      contentType: "text/html", body: yardstick(new URL(route.request().url()).origin, options),
    }));
  };
  const page = await set.open("yardstick.html", { random, before });
  const heard = (line, count = 1) => new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no “${line}” among ${JSON.stringify(lines)}`)), 15_000);
    const look = () => {
      if (lines.filter(known => known === line).length < count) return;
      clearTimeout(late);
      waiting.delete(look);
      resolve();
    };
    waiting.add(look);
    look();
  });
  await page.waitForFunction(() => socket.connected);
  return { page, lines, heard };
}

async function says(from, text, to) {
  await from.fill("#text", text);
  await from.press("#text", "Enter");
  await to.locator(".message:not(.own) p", { hasText: text }).waitFor();
}
