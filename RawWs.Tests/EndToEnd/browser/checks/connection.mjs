import { PATIENCE, ensure, frames, isOpen } from "../harness.mjs";

const showed = (page, part, options) =>
  page.waitForFunction(wanted => recorded.states.some(text => text.includes(wanted)), part, options);
const connectionId = page => page.locator('#state-line [data-part="id"]').textContent();

export const connectionChecks = {
  "the state line shows a close with its code and reason, and reconnects": async tabs => {
    const page = await (await tabs()).openConnected("story.html");
    const before = await connectionId(page);
    await page.evaluate(() => recorded.sockets.at(-1).close(4321, "the test hung up"));
    await showed(page, "Closed: 4321, “the test hung up”");
    await page.waitForFunction(old => {
      const now = document.querySelector('#state-line [data-part="id"]').textContent;
      return document.querySelector("#state-line").dataset.state === "open" && now !== old;
    }, before);
    const greetings = await frames(page, { direction: "out", event: "client message" });
    ensure(greetings.length === 1, `the greeting went out ${greetings.length} times`);
  },

  "reconnect now does not wait": async tabs => {
    // No timer fires any more: only the button can bring the connection back.
    const page = await (await tabs()).openConnected("chat.html", { before: page => page.clock.install() });
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.evaluate(() => recorded.sockets.at(-1).close(4321, "the test hung up"));
    await page.locator('#state-line[data-state="closed"]').waitFor();
    ensure(await page.locator("#send").isDisabled(), "a message could be sent while closed");
    await page.getByRole("button", { name: "Reconnect now" }).click();
    await isOpen(page);
    ensure(await page.getByRole("button", { name: "Reconnect now" }).isHidden(), "the button is still there");
  },
};

export const reconnectChecks = {
  "the pages come back after the server was restarted": async tabs => {
    const set = await tabs();
    const pages = [];
    for (const path of ["story.html", "quotes.html", "chat.html"]) pages.push(await set.openConnected(path));
    const before = await Promise.all(pages.map(connectionId));
    console.log("ready-for-restart");
    await Promise.all(pages.map(page => showed(page, "Closed: 1001", { timeout: 4 * PATIENCE })));
    await Promise.all(pages.map(page =>
      page.locator('#state-line[data-state="open"]').waitFor({ timeout: 4 * PATIENCE })));
    for (const page of pages) await page.locator("#state-line", { hasText: "Closed before: 1001" }).waitFor();
    const after = await Promise.all(pages.map(connectionId));
    ensure(after.every((id, i) => id !== before[i]), "a connection kept its id over a restart");
    await pages[1].waitForFunction(seen => Number(document.getElementById("updates").textContent) > seen,
      Number(await pages[1].locator("#updates").textContent()));
  },
};
