import { ensure, fence, frames, waitForFrames } from "../harness.mjs";

const incoming = { direction: "in", event: "chat" };

export const chatChecks = {
  "what one tab says the other gets, with the sender's id": async tabs => {
    const set = await tabs();
    const [one, two] = [await set.openConnected("chat.html"), await set.openConnected("chat.html")];
    await say(one, "does it ring?");
    const [{ data }] = await waitForFrames(two, incoming);
    ensure(data.text === "does it ring?", `the text was ${JSON.stringify(data.text)}`);
    ensure(data.from === await one.locator("#me").textContent(), `it came from ${data.from}`);
    await two.locator(".message:not(.own) p", { hasText: "does it ring?" }).waitFor();
    await say(two, "it does");
    await one.locator(".message:not(.own) p", { hasText: "it does" }).waitFor();
  },

  "one's own message is shown once and not echoed": async tabs => {
    const page = await (await tabs()).openConnected("chat.html");
    await say(page, "only for the others");
    await fence(page);
    ensure((await frames(page, incoming)).length === 0, "the sender got its own message");
    ensure(await page.locator(".message").count() === 1, "the page does not show the message once");
    ensure(await page.locator("#text").inputValue() === "", "the field was not emptied");
  },

  "markup in a message stays text": async tabs => {
    const set = await tabs();
    const [one, two] = [await set.openConnected("chat.html"), await set.openConnected("chat.html")];
    const markup = '<img src="x" onerror="document.title=1"><b>bold</b> & ünïcode 🎟';
    await say(one, markup);
    await waitForFrames(two, incoming);
    for (const page of [one, two]) {
      await page.locator(".message p").waitFor();
      ensure(await page.locator(".message p").textContent() === markup, "the text changed");
      ensure(await page.locator(".message p *").count() === 0, "the text became elements");
    }
  },
};

async function say(page, text) {
  await page.fill("#text", text);
  await page.press("#text", "Enter");
}
