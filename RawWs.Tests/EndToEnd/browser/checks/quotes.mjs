import { ensure, waitForFrames } from "../harness.mjs";

export const quotesChecks = {
  "quotes move without being asked for": async tabs => {
    const page = await (await tabs()).openConnected("quotes.html");
    await page.locator("#quotes .quote").first().waitFor();
    const cards = await page.locator("#quotes .quote").count();
    const pushed = await waitForFrames(page, { direction: "in", event: "quote" }, 5);
    for (const { data: { symbol, price, change, time } } of pushed) {
      const complete = typeof symbol === "string" && [price, change, time].every(Number.isFinite);
      ensure(complete, `a quote was ${JSON.stringify({ symbol, price, change, time })}`);
    }
    await page.waitForFunction(() => Number(document.getElementById("updates").textContent) >= 5);
    ensure(new Set(pushed.map(f => f.data.price)).size > 1, "the prices stand still");
    return `${cards} symbols`;
  },

  "buying a ticket is acknowledged and seen in another tab": async tabs => {
    const set = await tabs();
    const [buyer, watcher] = [await set.openConnected("quotes.html"), await set.openConnected("quotes.html")];
    await watcher.locator("#tickets .ticket").first().waitFor();
    const card = buyer.locator("#tickets .ticket", { has: buyer.locator("button:enabled") }).first();
    const name = await card.getAttribute("data-name");
    await card.locator("button").click();
    const [{ id, data }] = await waitForFrames(buyer, { direction: "out", event: "buy" });
    ensure(data.name === name, `bought ${JSON.stringify(data)}`);
    const [answer] = await waitForFrames(buyer, { direction: "in", ack: id });
    const complete = answer.data.ok === true && Number.isInteger(answer.data.remaining);
    ensure(complete, `the ack was ${JSON.stringify(answer)}`);
    await buyer.locator("#receipt", { hasText: `Yours: one ticket for ${name}.` }).waitFor();
    await watcher.waitForFunction(
      ([wanted, remaining]) => recorded.frames.some(({ direction, event, data: ticket }) =>
        direction === "in" && event === "tickets" && ticket.name === wanted && ticket.remaining <= remaining),
      [name, answer.data.remaining], { polling: 50 });
    return `${answer.data.remaining} left`;
  },
};
