// Clients that lose the server, and come back: with the same id, rooms and state, and everything they missed.
//
//   node recovery.mjs URL polling|websocket|upgrade MILLISECONDS
//
// The server recovers sessions, and pings so often that it and the clients know of a silent end within the
// milliseconds of an absence: a server that still takes the old connection for alive does not recover it.
// All of this passes on the official server too.

import { io } from "socket.io-client";
import { PATIENCE, TRANSPORTS, ask, once, report, until, upgraded } from "./harness.mjs";
import { Network } from "./network.mjs";

const [url, mode, absence] = process.argv.slice(2);

/** One client behind a network that fails, one whose own never does, and what the second tells the first. */
class Story {
  heard = [];
  #sockets = [];
  #sent = 0;

  static async create() {
    const story = new Story();
    story.room = `room ${Math.random()}`;
    story.network = await Network.create(url);
    story.present = story.#client(url, { transports: ["websocket"] });
    await once(story.present, "connect");
    return story;
  }

  /** The client behind the network; it listens, and has not connected yet. */
  leave() {
    this.absent = this.#client(this.network.url, { transports: TRANSPORTS[mode] });
    this.absent.on("number", (number, offset) => this.heard.push([number, typeof offset]));
    this.absent.on("bytes", ({ number, bytes }, offset) => {
      this.heard.push([bytes?.[0] === number % 256 ? number : bytes, typeof offset]);
    });
    return this.absent;
  }

  /** The client behind the network, connected, in a room and with a state. */
  async join() {
    this.leave();
    await once(this.absent, "connect");
    if (mode === "upgrade") await upgraded(this.absent);
    await ask(this.absent, "join", this.room);
    await ask(this.absent, "set-data", { kept: true });
    this.id = this.absent.id;
  }

  /** Tells the absent client so many more things, in every way that there is. */
  async tell(times) {
    for (let i = 0; i < times; i++) {
      const number = this.#sent++;
      if (number % 4 === 0) this.present.emit("to-room", this.room, "number", number);
      else if (number % 4 === 1) this.present.emit("broadcast", "number", number);
      else if (number % 4 === 2) this.present.emit("all", "number", number);
      else this.present.emit("in-room", this.room, "bytes", { number, bytes: Buffer.of(number) });
    }
    await ask(this.present, "message-with-ack");
  }

  /** Nothing of the network works for a while, in which there is much to tell. */
  async isCutOff(cut) {
    cut();
    const end = Date.now() + Number(absence);
    while (Date.now() < end) {
      await this.tell(1);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    this.network.mend();
    await until(() => this.absent.connected, "it did not come back");
  }

  /** Everything has come once, in order, and the client is who it was. */
  async isComplete(assert) {
    await until(() => this.heard.length >= this.#sent, `${this.heard.length} of ${this.#sent} came`);
    await ask(this.absent, "message-with-ack");
    assert.deepEqual(this.heard, Array.from({ length: this.#sent }, (_, number) => [number, "string"]));
    assert.equal(this.absent.id, this.id);
    assert.deepEqual(await ask(this.absent, "rooms"), [[this.room, this.id].sort()]);
    assert.deepEqual(await ask(this.absent, "get-data"), [{ kept: true }]);
  }

  close() {
    for (const socket of this.#sockets) socket.close();
    this.network.close();
  }

  #client(address, options) {
    const socket = io(address, {
      forceNew: true, reconnectionDelay: 50, reconnectionDelayMax: 100, timeout: 1000, ...options,
    });
    this.#sockets.push(socket);
    return socket;
  }
}

async function comesBack(story, assert, cut) {
  await story.join();
  await story.tell(10);
  for (let i = 0; i < 2; i++) {
    await story.isCutOff(cut);
    await story.tell(5);
    await story.isComplete(assert);
    assert.equal(story.absent.recovered, true);
  }
}

const scenarios = {
  "a client whose connections were reset comes back, twice": (story, assert) =>
    comesBack(story, assert, () => story.network.reset()),

  "a client whose network fell silent comes back, twice": (story, assert) =>
    comesBack(story, assert, () => story.network.fallSilent()),

  "a client that fell silent is known to have timed out": async (story, assert) => {
    await story.join();
    await ask(story.present, "join", "observers");
    const gone = new Promise(resolve => story.present.on("gone", ({ id, ...rest }) => {
      if (id === story.id) resolve(rest);
    }));
    const ended = new Promise(resolve => story.absent.once("disconnect", resolve));
    story.network.fallSilent();
    assert.deepEqual(await gone, { reason: "ping timeout", rooms: [story.room, story.id].sort() });
    assert.equal(await ended, "ping timeout");
  },

  "a client that found nobody tries again": async (story, assert) => {
    story.network.reset();
    const absent = story.leave();
    await new Promise(resolve => absent.once("connect_error", resolve));
    await new Promise(resolve => absent.once("connect_error", resolve));
    assert.equal(absent.connected, false);
    story.network.mend();
    await until(() => absent.connected, "it did not connect");
    assert.equal(absent.recovered, false);
    assert.deepEqual(await ask(absent, "message-with-ack", 1), [1]);
  },

  "a client that left of its own will starts anew": async (story, assert) => {
    await story.join();
    await story.tell(3);
    await until(() => story.heard.length === 3, "it heard nothing");
    story.absent.disconnect().connect();
    await once(story.absent, "connect");
    assert.equal(story.absent.recovered, false);
    assert.notEqual(story.absent.id, story.id);
    assert.deepEqual(await ask(story.absent, "rooms"), [[story.absent.id]]);
    assert.deepEqual(await ask(story.absent, "get-data"), [null]);
  },
};

const stories = {};
for (const [name, scenario] of Object.entries(scenarios)) stories[`recovery: ${name}`] = scenario;
await report(stories, () => Story.create(), 2 * Number(absence) + 3 * PATIENCE);
process.exit(0);
