import { ask, once, settled, until } from "../harness.mjs";

export const events = {
  "the credentials are handed back on connection": async (clients, assert) => {
    const socket = await clients.connect("/", { auth: { token: "123", nested: { a: [1, null] } } });
    await settled(socket);
    assert.deepEqual(socket.heard[0], ["auth", { token: "123", nested: { a: [1, null] } }]);
    const silent = await clients.connect();
    await settled(silent);
    assert.deepEqual(silent.heard[0], ["auth", {}]);
  },

  "an event comes back with every argument": async (clients, assert) => {
    const socket = await clients.connect();
    for (const args of [[], [1, "2", { three: [true, null] }], [""], [[]], [{}], [null], ["a b", " c "]]) {
      const back = once(socket, "message-back");
      socket.emit("message", ...args);
      assert.deepEqual(await back, args);
    }
  },

  "text of any script survives": async (clients, assert) => {
    const socket = await clients.connect();
    const texts = ["é", "日本語", "🎉👩‍👩‍👧", "\u0000\u001e\u2028\u2029", "\\\"/", "\ud800", "a\u0301"];
    const back = once(socket, "message-back");
    socket.emit("message", ...texts);
    assert.deepEqual(await back, texts);
  },

  "numbers survive": async (clients, assert) => {
    const socket = await clients.connect();
    const numbers = [0, -1, 1.5, 1e21, 1e-7, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 0.1 + 0.2];
    assert.deepEqual(await ask(socket, "message-with-ack", ...numbers), numbers);
  },

  "a deep structure comes back": async (clients, assert) => {
    const socket = await clients.connect();
    let deep = "the bottom";
    for (let i = 0; i < 49; i++) deep = { a: [deep] };
    assert.deepEqual(await ask(socket, "message-with-ack", deep), [deep]);
  },

  "the order of members and odd names survive": async (clients, assert) => {
    const socket = await clients.connect();
    const args = [JSON.parse('{"b":1,"a":2,"":3,"__proto__":{"x":1},"constructor":4}')];
    const answer = await ask(socket, "message-with-ack", ...args);
    assert.equal(JSON.stringify(answer), JSON.stringify(args));
  },

  "events have names of any script": async (clients, assert) => {
    const [one, other] = [await clients.connect(), await clients.connect()];
    const room = `${clients.room} 日本 🎉 "\\\u0001`;
    await ask(other, "join", room);
    for (const name of ["日本 🎉", "\"quoted\"", "a\nb", "message", " ", "toString"]) {
      const heard = once(other, name);
      one.emit("to-room", room, name, name);
      assert.deepEqual(await heard, [name]);
    }
    assert.deepEqual(await ask(other, "rooms"), [[room, other.id].sort()]);
  },

  "a text of 900,000 bytes comes back": async (clients, assert) => {
    const socket = await clients.connect();
    const large = "x".repeat(900_000);
    assert.equal((await ask(socket, "message-with-ack", large))[0], large);
    const wide = "日".repeat(300_000);
    assert.equal((await ask(socket, "message-with-ack", wide))[0], wide);
  },

  "more than the server takes ends the connection": async (clients, assert) => {
    const socket = await clients.connect();
    const ended = new Promise(resolve => socket.once("disconnect", resolve));
    socket.emit("message", "x".repeat(1_000_001));
    assert.match(await ended, /^transport (close|error)$/);
  },

  "a handler that throws costs nothing else": async (clients, assert) => {
    const socket = await clients.connect();
    socket.emit("boom");
    assert.deepEqual(await ask(socket, "message-with-ack", 1), [1]);
    assert.ok(socket.connected);
  },

  "an event that middleware refuses has no handler": async (clients, assert) => {
    const socket = await clients.connect();
    const refused = once(socket, "middleware-error");
    socket.emit("forbidden");
    assert.deepEqual(await refused, ["forbidden"]);
    await settled(socket);
    assert.ok(!socket.heard.some(([event]) => event === "forbidden-handler-ran"));
  },

  "an event without a handler is ignored": async (clients, assert) => {
    const socket = await clients.connect();
    for (const name of ["nobody listens", "error", "__proto__", "constructor", "日本", "x".repeat(200)]) {
      socket.emit(name, 1);
    }
    assert.deepEqual(await ask(socket, "message-with-ack", 1), [1]);
  },

  "a high random number is answered by a count": async (clients, assert) => {
    const socket = await clients.connect();
    const started = Date.now();
    socket.emit("random", 0.5);
    socket.emit("random", 0.96);
    socket.emit("random", 0.97);
    assert.deepEqual(await once(socket, "warn"), [1]);
    assert.ok(Date.now() - started >= 950, "too early");
    await until(() => socket.heard.filter(([event]) => event === "warn").length === 2, "the second did not come");
    assert.deepEqual(socket.heard.filter(([event]) => event === "warn"), [["warn", 1], ["warn", 2]]);
  },

  "the state of a socket is its own": async (clients, assert) => {
    const [one, other] = [await clients.connect(), await clients.connect()];
    assert.deepEqual(await ask(one, "set-data", { count: 1 }), ["ok"]);
    assert.deepEqual(await ask(one, "get-data"), [{ count: 1 }]);
    assert.deepEqual(await ask(other, "get-data"), [null]);
  },
};
