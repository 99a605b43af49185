import { ensure, fence, frames, waitForFrames } from "../harness.mjs";

const warn = { direction: "in", event: "warn" };
const message = { direction: "in", event: "server message" };
const random = { direction: "out", event: "random" };
const said = msg => f => f.data.msg === msg;

export const storyChecks = {
  "the story opens and shows its connection id": async tabs => {
    const page = await (await tabs()).openConnected("story.html");
    const [first] = await frames(page, { direction: "in" });
    ensure(first.event === "connect", `the first message was ${JSON.stringify(first)}`);
    ensure(typeof first.data.id === "string" && first.data.id !== "", "connect had no id");
    const shown = await page.locator('#state-line [data-part="id"]').textContent();
    ensure(shown === first.data.id, `the page shows ${shown}, the server said ${first.data.id}`);
  },

  "random numbers flow and the greeting is sent once": async tabs => {
    const page = await (await tabs()).openConnected("story.html", { random: 0.25 });
    const sent = await waitForFrames(page, random, 3);
    ensure(sent.every(f => f.data === 0.25), "not the number that was drawn");
    ensure(Number(await page.locator("#sent").textContent()) >= 3, "the page does not count them");
    const greetings = await frames(page, { direction: "out", event: "client message" });
    const once = greetings.length === 1 && greetings[0].data.msg === "hi, server";
    ensure(once, `greetings: ${JSON.stringify(greetings)}`);
    await fence(page);
    ensure((await frames(page, warn)).length === 0, "warned of a number that is not above 0.95");
  },

  "a value above 0.95 brings warn one second later": async tabs => {
    const page = await (await tabs()).openConnected("story.html");
    await page.click("#send-high");
    const [{ data, at }] = await waitForFrames(page, warn);
    const cause = (await frames(page, random)).find(f => f.data > 0.95);
    const late = Math.round(at - cause.at);
    ensure(data === 1, `the count was ${data}`);
    ensure(late >= 900 && late <= 10_000, `it came after ${late} ms`);
    await page.locator("#warnings", { hasText: /^1$/ }).waitFor();
    return `after ${late} ms`;
  },

  "warnings are counted up while other events go on": async tabs => {
    const page = await (await tabs()).openConnected("story.html");
    // In one turn of the page, so that a slow machine puts nothing in between.
    await page.evaluate(() => {
      for (let i = 0; i < 3; i++) document.querySelector("#send-high").click();
      recorded.sockets.at(-1).send(JSON.stringify({ event: "message", data: "other" }));
    });
    await waitForFrames(page, { direction: "in", event: "message-back", data: "other" });
    const order = (await frames(page, { direction: "in" })).map(f => f.event);
    ensure(
      !order.slice(0, order.indexOf("message-back")).includes("warn"), "the echo of a message waited for the warnings");
    const counts = (await waitForFrames(page, warn, 3)).map(f => f.data);
    ensure(counts.join() === "1,2,3", `counts: ${counts}`);
    await page.locator("#warnings", { hasText: /^3$/ }).waitFor();
  },

  "a warning goes to its own client alone": async tabs => {
    const set = await tabs();
    const [page, other] = [await set.openConnected("story.html"), await set.openConnected("story.html")];
    await page.click("#send-high");
    await waitForFrames(page, warn);
    await fence(other);
    ensure((await frames(other, warn)).length === 0, "the other tab was warned too");
    await other.click("#send-high");
    const [{ data }] = await waitForFrames(other, warn);
    ensure(data === 1, `the other tab's first warning had the count ${data}`);
  },

  "a newcomer is announced to the others and welcomed by all": async tabs => {
    const set = await tabs();
    const first = await set.openConnected("story.html");
    const before = (await waitForFrames(first, message)).length;
    const newcomer = await set.openConnected("story.html");
    const heard = (await waitForFrames(first, message, before + 2)).slice(before);
    ensure(heard.some(said("broadcast")), `the first heard ${JSON.stringify(heard)}`);
    ensure(heard.some(said("client connect server success")), `the first heard ${JSON.stringify(heard)}`);
    await fence(newcomer);
    const own = await frames(newcomer, message);
    const welcomes = own.filter(said("client connect server success")).length;
    ensure(welcomes === 1, `the newcomer heard ${JSON.stringify(own)}`);
    ensure(!own.some(said("broadcast")), "the newcomer heard its own broadcast");
    await first.locator("#log li", { hasText: "broadcast" }).waitFor();
  },

  "pause holds the numbers back and resume lets them go": async tabs => {
    const page = await (await tabs()).openConnected("story.html", { before: page => page.clock.install() });
    await page.clock.pauseAt(Date.now() + 60_000);
    const sentIn2s = async () => {
      const before = (await frames(page, random)).length;
      await page.clock.runFor(2000);
      return (await frames(page, random)).length - before;
    };
    ensure(await sentIn2s() === 4, "not two numbers a second");
    await page.click("#pause");
    ensure(await sentIn2s() === 0, "numbers went out while paused");
    await page.click("#pause");
    ensure(await sentIn2s() === 4, "not two numbers a second after the pause");
  },
};
