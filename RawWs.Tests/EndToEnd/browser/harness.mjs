// What the checks stand on: a browser, pages that record what they send and receive, and the report.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // Several pages are driven at once: one that is not in front must not have its timers slowed.
  "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
];

/** How long a condition may take to come true, in milliseconds. */
export const PATIENCE = 15_000;

/** Runs `body(browser)` with a browser of its own, whose profile is new and removed afterwards. */
export async function withBrowser(body) {
  const profile = await mkdtemp(join(tmpdir(), "rawws-browser-"));
  const first = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM_PATH || "/usr/bin/chromium",
    args: FLAGS,
    timeout: 60_000,
  });
  try {
    return await body(first.browser());
  } finally {
    await first.close();
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * The pages of one check: they share a context of their own, and what their consoles said is kept in
 * `complaints`.
 */
export class Tabs {
  complaints = [];
  #context;
  #base;

  static async create(browser, base, options = {}) {
    const tabs = new Tabs();
    tabs.#base = base;
    tabs.#context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    tabs.#context.setDefaultTimeout(PATIENCE);
    await tabs.#context.addInitScript(record);
    return tabs;
  }

  /** Opens `path`; `random` is what Math.random answers there for ever, unless it is null. */
  async open(path, { random = 0.5, before } = {}) {
    const page = await this.#context.newPage();
    this.#listen(page, path);
    if (random !== null) await page.addInitScript(value => { Math.random = () => value; }, random);
    await before?.(page);
    await page.goto(new URL(path, this.#base).href);
    return page;
  }

  /** Opens `path` and waits until its state line says open. */
  async openConnected(path, options) {
    const page = await this.open(path, options);
    await isOpen(page);
    return page;
  }

  async close() {
    await this.#context.close();
  }

  #listen(page, path) {
    const complain = text => this.complaints.push(`${path}: ${text}`);
    page.on("console", message => {
      if (["error", "warning"].includes(message.type())) complain(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", error => complain(`uncaught: ${error.message}`));
    page.on("requestfailed", request => complain(`failed: ${request.url()} ${request.failure()?.errorText}`));
    page.on("response", response => {
      if (response.status() >= 400) complain(`${response.status()}: ${response.url()}`);
    });
  }
}

// Runs in each page before its own scripts: keeps every socket, every frame with the page's clock, and every
// text that the state line showed, however shortly.
function record() {
  const sockets = [];
  const frames = [];
  const keep = (direction, text) => {
    const frame = { direction, text, at: performance.now() };
    try {
      const { event, data, args, ...rest } = JSON.parse(text);
      frames.push({ ...rest, ...frame, event, data: args ? args[0] : data });
    } catch {
      // Another dialect than the envelope.
      frames.push(frame);
    }
  };
  globalThis.WebSocket = class extends WebSocket {
    constructor(...parameters) {
      super(...parameters);
      sockets.push(this);
      this.addEventListener("message", ({ data }) => keep("in", data));
    }

    send(text) {
      keep("out", text);
      super.send(text);
    }
  };
  const states = [];
  new MutationObserver(() => {
    const text = document.querySelector("#state-line .state")?.textContent ?? "";
    if (text !== states.at(-1)) states.push(text);
  }).observe(document, { subtree: true, childList: true, characterData: true });
  const like = wanted =>
    frames.filter(frame => Object.entries(wanted).every(([key, value]) => frame[key] === value));
  globalThis.recorded = { sockets, frames, states, like };
}

export function isOpen(page) {
  return page.locator('#state-line[data-state="open"]').waitFor();
}

/** Every frame so far that has all the members of `like`. */
export function frames(page, like) {
  return page.evaluate(wanted => recorded.like(wanted), like);
}

/** Waits until there are `count` frames like that, and answers them. */
export async function waitForFrames(page, like, count = 1) {
  await page.waitForFunction(
    ([wanted, enough]) => recorded.like(wanted).length >= enough, [like, count], { polling: 50 });
  return frames(page, like);
}

/**
 * Asks the server for an echo over the page's own connection and waits for it. What the server sent to this
 * page before is then here: that something did not come can be told without waiting for a while.
 */
export async function fence(page) {
  const text = await page.evaluate(() => {
    const mark = `fence ${recorded.frames.length} ${performance.now()}`;
    recorded.sockets.at(-1).send(JSON.stringify({ event: "message", data: mark }));
    return mark;
  });
  await waitForFrames(page, { direction: "in", event: "message-back", data: text });
}

export function ensure(condition, message) {
  if (!condition) throw new Error(message);
}
