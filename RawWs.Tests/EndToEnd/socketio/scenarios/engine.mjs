// Against the Engine.IO server that sends every message back.
import { Socket } from "engine.io-client";
import { TRANSPORTS, TRUST, until, within } from "../harness.mjs";

async function open(clients) {
  const transports = TRANSPORTS[clients.mode];
  const socket = new Socket(clients.url, { path: "/engine.io/", transports, ...TRUST });
  socket.binaryType = "arraybuffer";
  const heard = [];
  socket.on("message", data => heard.push(data));
  await within(new Promise((resolve, reject) => socket.on("open", resolve).on("error", reject)), "it did not open");
  if (clients.mode === "upgrade") await until(() => socket.transport.name === "websocket", "no upgrade");
  return { socket, heard };
}

export const engine = {
  "engine: text and bytes come back in order": async (clients, assert) => {
    const { socket, heard } = await open(clients);
    const sent = ["a", "é日🎉", Uint8Array.of(1, 2, 0x1e).buffer, " ", "b", new ArrayBuffer(0), "z".repeat(200_000)];
    for (const message of sent) socket.send(message);
    await until(() => heard.length === sent.length, "not everything came back");
    assert.deepEqual(heard.map(item => item.byteLength ?? item), sent.map(item => item.byteLength ?? item));
    assert.deepEqual([...new Uint8Array(heard[2])], [1, 2, 0x1e]);
    socket.close();
  },

  "engine: ten thousand messages keep their order": async (clients, assert) => {
    const { socket, heard } = await open(clients);
    for (let i = 0; i < 10_000; i++) socket.send(String(i));
    await until(() => heard.length === 10_000, "not everything came back");
    assert.ok(heard.every((text, i) => text === String(i)));
    socket.close();
  },
};
