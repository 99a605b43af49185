import { ask, settled } from "../harness.mjs";

/** Three clients, the first two of them in the scenario's room. */
async function three(clients) {
  const all = [await clients.connect(), await clients.connect(), await clients.connect()];
  for (const socket of all.slice(0, 2)) await ask(socket, "join", clients.room);
  return all;
}

/** Who has heard the scenario's own event: nothing else of that name is sent on the server. */
async function hearers(sockets, event) {
  for (const socket of sockets) await settled(socket);
  return sockets.map(socket => socket.heard.filter(([name]) => name === event).map(([, ...args]) => args));
}

export const rooms = {
  "a room is joined and left": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "rooms"), [[socket.id]]);
    assert.deepEqual(await ask(socket, "join", clients.room), ["ok"]);
    assert.deepEqual(await ask(socket, "rooms"), [[clients.room, socket.id].sort()]);
    assert.deepEqual(await ask(socket, "leave", clients.room), ["ok"]);
    assert.deepEqual(await ask(socket, "rooms"), [[socket.id]]);
  },

  "to a room: all in it but the sender": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    one.emit("to-room", clients.room, clients.room, { n: 1 });
    await settled(one);
    assert.deepEqual(await hearers([one, two, three_], clients.room), [[], [[{ n: 1 }]], []]);
  },

  "in a room: all in it": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    one.emit("in-room", clients.room, clients.room, "all");
    await settled(one);
    assert.deepEqual(await hearers([one, two, three_], clients.room), [[["all"]], [["all"]], []]);
  },

  "except a room: all others": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    one.emit("except-room", clients.room, clients.room, "others");
    await settled(one);
    assert.deepEqual(await hearers([one, two, three_], clients.room), [[], [], [["others"]]]);
  },

  "a broadcast goes to all but the sender, and to all": async (clients, assert) => {
    const sockets = await three(clients);
    sockets[0].emit("broadcast", clients.room, 1);
    sockets[0].emit("all", clients.room, 2);
    await settled(sockets[0]);
    assert.deepEqual(await hearers(sockets, clients.room), [[[2]], [[1], [2]], [[1], [2]]]);
  },

  "one client is a room of its own": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    one.emit("to-room", three_.id, clients.room, "private");
    await settled(one);
    assert.deepEqual(await hearers([one, two, three_], clients.room), [[], [], [["private"]]]);
  },

  "a room is asked and answers": async (clients, assert) => {
    const [one, two] = await three(clients);
    one.on("question", (q, answer) => answer(`${q} 1`));
    two.on("question", (q, answer) => answer(`${q} 2`));
    const [result] = await ask(one, "ask-room", clients.room, "q");
    assert.equal(result.timeout, false);
    assert.deepEqual(result.answers.sort(), ["q 1", "q 2"]);
  },

  "a room that answers in part gives that part": async (clients, assert) => {
    const [one, two] = await three(clients);
    two.on("question", (q, answer) => answer("only me"));
    assert.deepEqual(await ask(one, "ask-room", clients.room, "q"), [{ answers: ["only me"], timeout: true }]);
  },

  "an empty room answers at once": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "ask-room", clients.room, "q"), [{ answers: [], timeout: false }]);
  },

  "the sockets of a room are known": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    assert.deepEqual(await ask(three_, "fetch-sockets", clients.room), [[one.id, two.id].sort()]);
  },

  "a room is disconnected": async (clients, assert) => {
    const [one, two, three_] = await three(clients);
    const gone = Promise.all([one, two].map(socket => new Promise(resolve => socket.once("disconnect", resolve))));
    three_.emit("disconnect-room", clients.room);
    assert.deepEqual(await gone, ["io server disconnect", "io server disconnect"]);
    assert.ok(three_.connected);
  },
};
