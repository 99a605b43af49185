import { ask, once, until, upgraded } from "../harness.mjs";

/** The `gone` that an observer hears when something ends a client. */
async function goneAfter(clients, end) {
  const observer = await clients.connect();
  await ask(observer, "join", "observers");
  const socket = await clients.connect();
  await ask(socket, "join", clients.room);
  const { id } = socket;
  const is = ([event, gone]) => event === "gone" && gone.id === id;
  await end(socket);
  await until(() => observer.heard.some(is), "the observer heard nothing");
  const [, gone] = observer.heard.find(is);
  return { ...gone, id: gone.id === id, rooms: gone.rooms.includes(id) && gone.rooms.includes(clients.room) };
}

export const lifecycle = {
  "the client leaves the namespace": async (clients, assert) => {
    const gone = await goneAfter(clients, socket => socket.disconnect());
    assert.deepEqual(gone, { id: true, reason: "client namespace disconnect", rooms: true });
  },

  "the client's transport ends": async (clients, assert) => {
    const gone = await goneAfter(clients, socket => socket.io.engine.close());
    assert.deepEqual(gone, { id: true, reason: "transport close", rooms: true });
  },

  "the server disconnects the client": async (clients, assert) => {
    let heard;
    const gone = await goneAfter(clients, async socket => {
      const ended = new Promise(resolve => socket.once("disconnect", resolve));
      socket.emit("disconnect-me", false);
      heard = await ended;
    });
    assert.deepEqual(gone, { id: true, reason: "server namespace disconnect", rooms: true });
    assert.equal(heard, "io server disconnect");
  },

  "the server closes the client's connection": async (clients, assert) => {
    const socket = await clients.connect();
    const { engine } = socket.io;
    const closed = new Promise(resolve => engine.once("close", resolve));
    const ended = new Promise(resolve => socket.once("disconnect", resolve));
    socket.emit("disconnect-me", true);
    assert.equal(await ended, "io server disconnect");
    await closed;
  },

  "a client comes back by itself": async (clients, assert) => {
    const socket = await clients.connect("/", { reconnection: true, reconnectionDelay: 10 });
    const { id } = socket;
    const again = once(socket, "connect");
    socket.io.engine.close();
    await again;
    assert.notEqual(socket.id, id);
    assert.deepEqual(await ask(socket, "message-with-ack", 1), [1]);
  },

  "what is emitted before the connection arrives after it": async (clients, assert) => {
    const socket = clients.create();
    const back = once(socket, "message-back");
    socket.emit("message", "early");
    assert.deepEqual(await back, ["early"]);
  },

  "the handshake is told": async (clients, assert) => {
    const socket = await clients.connect("/", { query: { a: "b c" }, auth: { x: 1 } });
    const [handshake] = await ask(socket, "handshake");
    assert.equal(handshake.address, "127.0.0.1");
    assert.equal(handshake.secure, clients.url.startsWith("https:"));
    assert.ok(handshake.url.startsWith("/socket.io/?"), handshake.url);
    assert.equal(new URLSearchParams(handshake.url.split("?")[1]).get("a"), "b c");
    assert.equal(handshake.headers.host, new URL(clients.url).host);
    assert.deepEqual(handshake.auth, { x: 1 });
  },

  "headers of the client are told": async (clients, assert) => {
    const socket = await clients.connect("/", { extraHeaders: { "X-Test": "1" } });
    const [handshake] = await ask(socket, "handshake");
    assert.equal(handshake.headers["x-test"], "1");
  },

  "the transport is that of the mode": async (clients, assert) => {
    const socket = clients.create();
    await once(socket, "connect");
    if (clients.mode === "upgrade") await upgraded(socket);
    assert.equal(socket.io.engine.transport.name, clients.mode === "polling" ? "polling" : "websocket");
  },
};
