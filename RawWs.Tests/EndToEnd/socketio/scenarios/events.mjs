import { ask, once, settled, until } from "../harness.mjs";

const bytes = (...values) => Buffer.from(values);

/** As the client got it: bytes as arrays of numbers, so that they can be compared. */
const plain = value => {
  if (Buffer.isBuffer(value) || value instanceof Uint8Array || value instanceof ArrayBuffer) {
    return { bytes: [...new Uint8Array(value)] };
  }
  if (Array.isArray(value)) return value.map(plain);
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
  }
  return value;
};

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

  "an ack carries every value": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "message-with-ack"), []);
    assert.deepEqual(await ask(socket, "message-with-ack", 1, { a: [2] }, "x"), [1, { a: [2] }, "x"]);
    assert.equal(await socket.timeout(5000).emitWithAck("message-with-ack", "one"), "one");
  },

  "bytes nested anywhere come back": async (clients, assert) => {
    const socket = await clients.connect();
    const args = [bytes(1, 2, 3), { deep: [{ er: bytes() }, "between", bytes(0x1e, 0xff)] }, 4];
    const back = once(socket, "binary-back");
    socket.emit("binary-back", ...args);
    assert.deepEqual(plain(await back), plain(args));
    assert.deepEqual(plain(await ask(socket, "message-with-ack", ...args)), plain(args));
  },

  "bytes go to a room as to oneself": async (clients, assert) => {
    const [one, other] = [await clients.connect(), await clients.connect()];
    await ask(other, "join", clients.room);
    const got = once(other, "picture");
    one.emit("to-room", clients.room, "picture", { data: bytes(9, 8, 7), name: "a" });
    assert.deepEqual(plain(await got), [{ data: { bytes: [9, 8, 7] }, name: "a" }]);
  },

  "bytes answer a question": async (clients, assert) => {
    const socket = await clients.connect();
    socket.on("question", (question, answer) => answer({ echo: question }));
    assert.deepEqual(
      plain(await ask(socket, "ask-me", bytes(5, 6))), [{ echo: { bytes: [5, 6] } }]);
  },

  "half a megabyte of bytes comes back": async (clients, assert) => {
    const socket = await clients.connect();
    const large = Buffer.alloc(500_000, "0123456789abcdef");
    const back = once(socket, "binary-back");
    socket.emit("binary-back", large);
    assert.ok(large.equals(Buffer.from((await back)[0])));
  },

  "a text of 900,000 bytes comes back": async (clients, assert) => {
    const socket = await clients.connect();
    const large = "x".repeat(900_000);
    assert.equal((await ask(socket, "message-with-ack", large))[0], large);
  },

  "ten thousand events keep their order both ways": async (clients, assert) => {
    const socket = await clients.connect();
    const count = 10_000;
    let next = 0;
    let inOrder = true;
    socket.on("message-back", number => { inOrder &&= number === next++; });
    for (let i = 0; i < count; i++) socket.emit("message", i);
    await until(() => next === count, `only ${next} came back`);
    assert.ok(inOrder);
  },

  "the server's question is answered": async (clients, assert) => {
    const socket = await clients.connect();
    socket.on("question", (question, answer) => answer(`${question}!`));
    assert.deepEqual(await ask(socket, "ask-me", "why"), ["why!"]);
  },

  "a question without an answer times out": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "ask-me", "why"), [{ timeout: true }]);
  },

  "a late answer is ignored": async (clients, assert) => {
    const socket = await clients.connect();
    let answer;
    socket.on("question", (_, reply) => { answer = reply; });
    assert.deepEqual(await ask(socket, "ask-me", "why"), [{ timeout: true }]);
    answer("too late");
    assert.deepEqual(await ask(socket, "message-with-ack", "still here"), ["still here"]);
  },

  "volatile events reach a client that listens": async (clients, assert) => {
    const socket = await clients.connect();
    const ticks = () => socket.heard.filter(([event]) => event === "tick").map(([, i]) => i);
    // A client over polling listens while a request of it waits at the server or is on its way, which a starved machine
    // may draw out: it asks until one was there in time.
    do {
      socket.emit("volatile", 3);
      await settled(socket);
    } while (clients.mode === "polling" && ticks().length === 0);
    if (clients.mode === "polling") assert.ok(ticks().every(i => [0, 1, 2].includes(i)));
    else assert.deepEqual(ticks(), [0, 1, 2]);
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
