// A client is cut off for a while and comes back: with the same id, rooms and state, and everything it missed.
//
//   node recovery.mjs URL polling|websocket|upgrade MILLISECONDS

import net from "node:net";
import { io } from "socket.io-client";
import { PATIENCE, TRANSPORTS, ask, once, report, until } from "./harness.mjs";

const [url, mode, absence] = process.argv.slice(2);

/** The network between a client and the server: it can be cut. */
class Network {
  #isDown = false;
  #connections = new Set();
  #asking = new Set();
  #proxy;

  static async create(port) {
    const network = new Network();
    network.#proxy = net.createServer(client => network.#join(client, port));
    await new Promise(resolve => network.#proxy.listen(0, "127.0.0.1", resolve));
    return network;
  }

  get url() {
    return `http://127.0.0.1:${this.#proxy.address().port}`;
  }

  /** A request of the client is on its way or waits for its answer. */
  get isAsking() {
    return this.#asking.size > 0;
  }

  cut() {
    this.#isDown = true;
    for (const connection of this.#connections) connection.destroy();
  }

  mend() {
    this.#isDown = false;
  }

  close() {
    this.cut();
    this.#proxy.close();
  }

  #join(client, port) {
    if (this.#isDown) {
      client.destroy();
      return;
    }
    const server = net.connect(port, "127.0.0.1");
    client.pipe(server).pipe(client);
    client.on("data", () => this.#asking.add(client)).on("close", () => this.#asking.delete(client));
    server.on("data", () => this.#asking.delete(client));
    for (const [one, other] of [[client, server], [server, client]]) {
      this.#connections.add(one);
      one.on("error", () => {}).on("close", () => {
        this.#connections.delete(one);
        other.destroy();
      });
    }
  }
}

await report({
  [`a client is cut off and comes back over ${mode}`]: async ({ network, create }, assert) => {
    const absent = create(network.url, TRANSPORTS[mode], { reconnectionDelay: 50, reconnectionDelayMax: 100 });
    const present = create(url, ["websocket"]);
    const heard = [];
    absent.on("number", (number, offset) => heard.push([number, typeof offset]));
    await Promise.all([once(absent, "connect"), once(present, "connect")]);
    const { id } = absent;
    await ask(absent, "join", "a room");
    await ask(absent, "set-data", { kept: true });

    let sent = 0;
    const send = () => {
      const number = sent++;
      if (number % 3 === 0) present.emit("to-room", "a room", "number", number);
      else present.emit(number % 3 === 1 ? "broadcast" : "all", "number", number);
    };
    const talk = async times => {
      for (let i = 0; i < times; i++) send();
      await ask(present, "message-with-ack");
    };

    await talk(10);
    await until(() => heard.length === 10, "the first did not come");
    // A server learns that a client is gone by its poll: between two polls it would take the silence for patience.
    await until(() => network.isAsking || absent.io.engine.transport.name === "websocket", "it does not poll");
    await talk(0);
    network.cut();
    const end = Date.now() + Number(absence);
    while (Date.now() < end) {
      await talk(1);
      await new Promise(resolve => setTimeout(resolve, 20));
    }
    network.mend();
    await until(() => absent.connected, "it did not come back");
    await talk(5);
    await until(() => heard.length >= sent, `${heard.length} of ${sent} came`);

    assert.deepEqual(heard, Array.from({ length: sent }, (_, number) => [number, "string"]));
    assert.equal(absent.recovered, true);
    assert.equal(absent.id, id);
    const [rooms] = await ask(absent, "rooms");
    assert.deepEqual(rooms, ["a room", id].sort());
    assert.equal((await ask(absent, "get-data"))[0].kept, true);

    // Who leaves by its own will starts anew.
    absent.disconnect().connect();
    await once(absent, "connect");
    assert.equal(absent.recovered, false);
    assert.notEqual(absent.id, id);
  },
}, await arrange(), Number(absence) + 3 * PATIENCE);
process.exit(0);

async function arrange() {
  const network = await Network.create(Number(new URL(url).port));
  const sockets = [];
  const create = (address, transports, options) => {
    const socket = io(address, { forceNew: true, transports, ...options });
    sockets.push(socket);
    return socket;
  };
  return () => ({
    network,
    create,
    close() {
      sockets.forEach(socket => socket.close());
      network.close();
    },
  });
}
