// Against the Engine.IO server that sends every message back.
import { Socket } from "engine.io-client";
import { TRANSPORTS, until, within } from "../harness.mjs";

function create(clients) {
  const socket = new Socket(clients.url, { path: "/engine.io/", transports: TRANSPORTS[clients.mode] });
  socket.binaryType = "arraybuffer";
  return socket;
}

async function open(clients) {
  const socket = create(clients);
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

  "engine: messages of any size come back": async (clients, assert) => {
    const { socket, heard } = await open(clients);
    const sizes = [0, 1, 125, 126, 65_535, 65_536, 300_000];
    for (const size of sizes) {
      for (const message of ["x".repeat(size), "日".repeat(size), new Uint8Array(size).fill(7).buffer]) {
        heard.length = 0;
        socket.send(message);
        await until(() => heard.length === 1, `${size} of ${typeof message} did not come back`);
        // The client knows no empty text: it hands over undefined.
        assert.deepEqual(heard[0] ?? "", message);
      }
    }
    socket.close();
  },

  "engine: what is sent while it upgrades keeps its order": async (clients, assert) => {
    const socket = create(clients);
    const heard = [];
    socket.on("message", data => heard.push(data));
    let sent = 0;
    const send = () => socket.send(sent % 3 === 0 ? Uint8Array.of(sent++ % 256).buffer : String(sent++));
    socket.on("open", () => { for (let i = 0; i < 100; i++) send(); });
    const ends = clients.mode === "polling" ? "polling" : "websocket";
    await until(() => {
      if (sent > 0 && sent < 3000) send();
      return sent > 500 && socket.transport.name === ends;
    }, "it did not get there");
    await until(() => heard.length === sent, `${heard.length} of ${sent} came back`);
    const expected = number => number % 3 === 0 ? number % 256 : String(number);
    heard.forEach((item, number) =>
      assert.equal(typeof item === "string" ? item : new Uint8Array(item)[0], expected(number)));
    socket.close();
  },

  "engine: the client is told what the server offers": async (clients, assert) => {
    const socket = create(clients);
    const offer = await within(new Promise(resolve => socket.on("handshake", resolve)), "no handshake");
    const upgrades = clients.mode === "websocket" ? [] : ["websocket"];
    assert.match(offer.sid, /^[\w-]{20}$/);
    assert.deepEqual({ ...offer, sid: "" },
      { sid: "", upgrades, pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 });
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
