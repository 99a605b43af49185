import { ask, once, plain } from "../harness.mjs";

const bytes = (...values) => Buffer.from(values);

export const binary = {
  "bytes nested anywhere come back": async (clients, assert) => {
    const socket = await clients.connect();
    const args = [bytes(1, 2, 3), { deep: [{ er: bytes() }, "between", bytes(0x1e, 0xff)] }, 4];
    const back = once(socket, "binary-back");
    socket.emit("binary-back", ...args);
    assert.deepEqual(plain(await back), plain(args));
    assert.deepEqual(plain(await ask(socket, "message-with-ack", ...args)), plain(args));
  },

  "bytes of every kind of array come back": async (clients, assert) => {
    const socket = await clients.connect();
    const numbers = new Uint16Array([1, 258, 65535]);
    const args = [Uint8Array.of(0, 255), Uint8Array.of(7, 8, 9).subarray(1), Uint8Array.of(1, 2).buffer,
      new Uint8Array(numbers.buffer)];
    assert.deepEqual(plain(await ask(socket, "message-with-ack", ...args)), plain(args));
  },

  "ten attachments come back": async (clients, assert) => {
    const socket = await clients.connect();
    const args = Array.from({ length: 10 }, (_, number) => ({ number, bytes: bytes(number) }));
    assert.deepEqual(plain(await ask(socket, "message-with-ack", ...args)), plain(args));
  },

  "more attachments than the client takes end the connection": async (clients, assert) => {
    const socket = await clients.connect();
    const ended = new Promise(resolve => socket.once("disconnect", resolve));
    socket.emit("message", ...Array.from({ length: 11 }, () => bytes(1)));
    assert.match(await ended, /^transport (close|error)$/);
  },

  "text that looks like an attachment stays text": async (clients, assert) => {
    const socket = await clients.connect();
    const args = [{ _placeholder: true, num: 0 }, [{ _placeholder: true, num: -1 }], { _placeholder: true }];
    assert.deepEqual(await ask(socket, "message-with-ack", ...args), args);
    const back = once(socket, "message-back");
    socket.emit("message", ...args);
    assert.deepEqual(await back, args);
  },

  "bytes go to a room as to oneself": async (clients, assert) => {
    const [one, other] = [await clients.connect(), await clients.connect()];
    await ask(other, "join", clients.room);
    const got = once(other, "picture");
    one.emit("to-room", clients.room, "picture", { data: bytes(9, 8, 7), name: "a" });
    assert.deepEqual(plain(await got), [{ data: { bytes: [9, 8, 7] }, name: "a" }]);
  },

  "bytes are kept as the state of a socket": async (clients, assert) => {
    const socket = await clients.connect();
    await ask(socket, "set-data", { a: bytes(1), b: [bytes(2, 3)] });
    const expected = { a: { bytes: [1] }, b: [{ bytes: [2, 3] }] };
    assert.deepEqual(plain(await ask(socket, "get-data")), [expected]);
    assert.deepEqual(plain(await ask(socket, "get-data")), [expected]);
  },

  "bytes answer a question": async (clients, assert) => {
    const socket = await clients.connect();
    socket.on("question", (question, answer) => answer({ echo: question }));
    assert.deepEqual(
      plain(await ask(socket, "ask-me", bytes(5, 6))), [{ echo: { bytes: [5, 6] } }]);
  },

  "bytes answer the question to a room": async (clients, assert) => {
    const [one, two] = [await clients.connect(), await clients.connect()];
    for (const [index, socket] of [one, two].entries()) {
      await ask(socket, "join", clients.room);
      socket.on("question", (question, answer) => answer({ index, question, own: bytes(index) }));
    }
    const [{ answers, timeout }] = await ask(one, "ask-room", clients.room, bytes(7));
    assert.equal(timeout, false);
    assert.deepEqual(plain(answers).sort((a, b) => a.index - b.index), [0, 1].map(index =>
      ({ index, question: { bytes: [7] }, own: { bytes: [index] } })));
  },

  "bytes reach a namespace of their own": async (clients, assert) => {
    const socket = await clients.connect("/custom");
    assert.deepEqual(plain(await ask(socket, "message-with-ack", bytes(1), 2)), [{ bytes: [1] }, 2]);
  },

  "half a megabyte of bytes comes back": async (clients, assert) => {
    const socket = await clients.connect();
    const large = Buffer.alloc(500_000, "0123456789abcdef");
    const back = once(socket, "binary-back");
    socket.emit("binary-back", large);
    assert.ok(large.equals(Buffer.from((await back)[0])));
    assert.ok(large.equals(Buffer.from((await ask(socket, "message-with-ack", { large }))[0].large)));
  },
};
