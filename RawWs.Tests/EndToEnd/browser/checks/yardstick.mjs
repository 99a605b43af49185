import { ensure } from "../harness.mjs";

export const yardstickChecks = {
  "a client of nothing but new WebSocket is served": async tabs => {
    const page = await (await tabs()).openConnected("index.html");
    const heard = await page.evaluate(() => new Promise((resolve, reject) => {
      Math.random = () => 0.97;
      const received = [];
      const url = `ws://${location.host}/ws`;
      const ws = new WebSocket(url);
      let timer = null;
      ws.onerror = () => reject(new Error("error event"));
      ws.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
      ws.onmessage = ({ data }) => {
        const { event, data: value } = JSON.parse(data);
        received.push({ event, value });
        if (event !== "warn") return;
        clearInterval(timer);
        ws.onclose = ({ code }) => resolve({ received, code });
        ws.close(1000);
      };
      ws.onopen = () => {
        timer = setInterval(() => ws.send(JSON.stringify({ event: "random", data: Math.random() })), 500);
      };
      setTimeout(() => reject(new Error(`no warn; received ${JSON.stringify(received)}`)), 10_000);
    }));
    const [first] = heard.received;
    const all = JSON.stringify(heard.received);
    ensure(first.event === "connect" && typeof first.value.id === "string", `received ${all}`);
    const welcomed = heard.received.some(m => m.value.msg === "client connect server success");
    ensure(welcomed, `received ${all}`);
    ensure(heard.received.at(-1).value === 1, `the warning had the count ${heard.received.at(-1).value}`);
    ensure(heard.code === 1000, `closed with ${heard.code}`);
  },

  "a message that is no envelope is answered with an error": async tabs => {
    const page = await (await tabs()).openConnected("index.html");
    const answer = await page.evaluate(() => new Promise((resolve, reject) => {
      const ws = new WebSocket(`ws://${location.host}/ws`);
      ws.onopen = () => ws.send('{"neither":"event","nor":"ack"}');
      ws.onmessage = ({ data }) => "error" in JSON.parse(data) && resolve(JSON.parse(data).error);
      setTimeout(() => reject(new Error("no answer")), 10_000);
    }));
    ensure(answer !== null && typeof answer === "object", `the error was ${JSON.stringify(answer)}`);
    return JSON.stringify(answer);
  },
};
