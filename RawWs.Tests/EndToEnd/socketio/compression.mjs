// Every agreement on permessage-deflate with another implementation, `ws`: what is sent comes back as it was.
//
//     node compression.mjs ws://HOST:PORT/echo

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { report } from "./harness.mjs";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const text = length => Array.from({ length: length / 16 + 1 }, (_, i) => `{"id":${i * i % 1000},"name":"user ${i % 50}"},`)
  .join("").slice(0, length);
const noise = randomBytes(3000);
const messages = [text(16), text(3000), text(3000), "", noise, noise, text(128 * 1024), "grüße 😀".repeat(300), text(3000)];
const WINDOWS = [undefined, 9, 10, 11, 12, 13, 14, 15];

const scenarios = {};
for (const server of [false, true]) {
  for (const client of [false, true]) {
    const name = `ws: the server ${server ? "forgets" : "may remember"}, the client ${client ? "forgets" : "may remember"}`;
    scenarios[name] = async () => {
      for (const serverMaxWindowBits of WINDOWS) {
        for (const clientMaxWindowBits of WINDOWS) {
          // For `ws`, false is more than nothing: a server that forgets all the same would be refused.
          await echo({
            serverNoContextTakeover: server || undefined, clientNoContextTakeover: client || undefined,
            serverMaxWindowBits, clientMaxWindowBits,
          });
        }
      }
    };
  }
}

await report(scenarios, () => ({ close() {} }), 60_000);
process.exit(0);

async function echo(parameters) {
  const socket = new WebSocket(url, { perMessageDeflate: { ...parameters, threshold: 0 } });
  const received = [];
  socket.on("message", (data, isBinary) => received.push(isBinary ? data : data.toString()));
  await once(socket, "open");
  assert.match(socket.extensions, /^permessage-deflate/);
  for (const message of messages) socket.send(message);
  while (received.length < messages.length) await once(socket, "message");
  assert.deepEqual(received, messages, JSON.stringify(parameters));
  socket.close(1000);
  const [code] = await once(socket, "close");
  assert.equal(code, 1000);
}
