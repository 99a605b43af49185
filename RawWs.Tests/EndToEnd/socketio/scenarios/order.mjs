import { ask, settled, until } from "../harness.mjs";

export const order = {
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

  "events, bytes and acks keep one order": async (clients, assert) => {
    const socket = await clients.connect();
    const heard = [];
    socket.on("message-back", number => heard.push(number)).on("binary-back", number => heard.push(number));
    for (let i = 0; i < 900; i++) {
      if (i % 3 === 0) socket.emit("message", i);
      else if (i % 3 === 1) socket.emit("binary-back", i, Buffer.alloc(i));
      else socket.emit("message-with-ack", i, Buffer.of(1), number => heard.push(number));
    }
    await until(() => heard.length === 900, `only ${heard.length} came back`);
    assert.deepEqual(heard, Array.from({ length: 900 }, (_, number) => number));
  },

  "all in a room hear two talkers in one order": async (clients, assert) => {
    const [one, two, three] = [await clients.connect(), await clients.connect(), await clients.connect()];
    for (const socket of [one, two, three]) await ask(socket, "join", clients.room);
    for (let i = 0; i < 300; i++) {
      one.emit("in-room", clients.room, clients.room, ["one", i]);
      two.emit("in-room", clients.room, clients.room, ["two", i]);
    }
    for (const socket of [one, two]) await settled(socket);
    for (const socket of [one, two, three]) await settled(socket);
    const [first, ...others] = [one, two, three].map(socket =>
      socket.heard.filter(([event]) => event === clients.room).map(([, from]) => from));
    assert.equal(first.length, 600);
    for (const name of ["one", "two"]) {
      const own = first.filter(([talker]) => talker === name).map(([, number]) => number);
      assert.deepEqual(own, Array.from({ length: 300 }, (_, number) => number));
    }
    for (const other of others) assert.deepEqual(other, first);
  },

  "a namespace does not mix up another's order": async (clients, assert) => {
    const root = await clients.connect();
    const custom = root.io.socket("/custom", {});
    await until(() => custom.connected, "it did not connect");
    const heard = { root: [], custom: [] };
    for (let i = 0; i < 500; i++) {
      root.emit("message-with-ack", i, Buffer.of(1), number => heard.root.push(number));
      custom.emit("message-with-ack", i, Buffer.of(2), number => heard.custom.push(number));
    }
    await until(() => heard.root.length + heard.custom.length === 1000, "not everything was answered");
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    assert.deepEqual(heard, { root: numbers, custom: numbers });
  },

  "volatile events are few, but in order and never twice": async (clients, assert) => {
    const socket = await clients.connect();
    socket.emit("volatile", 1000);
    await settled(socket);
    const ticks = socket.heard.filter(([event]) => event === "tick").map(([, number]) => number);
    assert.ok(ticks.length >= 1, "no tick came");
    assert.ok(ticks.every((number, i) => i === 0 || number > ticks[i - 1]), `they came as ${ticks}`);
    assert.equal(ticks[0], 0);
  },

  "a hundred clients hear each of a hundred events once": async (clients, assert) => {
    const sockets = await Promise.all(Array.from({ length: 100 }, () => clients.connect()));
    await Promise.all(sockets.map(socket => ask(socket, "join", clients.room)));
    sockets.forEach((socket, i) => socket.emit("in-room", clients.room, clients.room, i));
    await Promise.all(sockets.map(settled));
    await Promise.all(sockets.map(settled));
    for (const socket of sockets) {
      const heard = socket.heard.filter(([event]) => event === clients.room).map(([, number]) => number);
      assert.deepEqual(heard.sort((a, b) => a - b), Array.from({ length: 100 }, (_, number) => number));
    }
  },
};
