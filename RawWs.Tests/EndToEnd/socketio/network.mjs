// The network between clients and the server, which can be cut and mended.

import net from "node:net";

export class Network {
  #failure = null;
  #wires = new Set();
  #proxy;

  /** A network that leads to the server at `url`; its own address is `url` of the result. */
  static async create(url) {
    const { hostname, port } = new URL(url);
    const network = new Network();
    network.#proxy = net.createServer(client => network.#join(client, Number(port), hostname));
    await new Promise(resolve => network.#proxy.listen(0, "127.0.0.1", resolve));
    return network;
  }

  get url() {
    return `http://127.0.0.1:${this.#proxy.address().port}/`;
  }

  /** Every connection breaks, both sides are told, and there are no new ones. */
  reset() {
    this.#fail(wire => wire.reset());
  }

  /**
   * Nothing gets through any more and nobody is told: what is under way is lost, and either side sees an open
   * connection until it gives up. New connections are lost as silently.
   */
  fallSilent() {
    this.#fail(wire => wire.fallSilent());
  }

  /** New connections get through again. Those that were lost stay lost. */
  mend() {
    this.#failure = null;
  }

  close() {
    for (const wire of this.#wires) wire.reset();
    this.#proxy.close();
  }

  #fail(failure) {
    this.#failure = failure;
    this.#wires.forEach(failure);
  }

  #join(client, port, hostname) {
    const wire = new Wire(client, net.connect(port, hostname));
    this.#wires.add(wire);
    client.on("close", () => { if (!wire.isSilent) this.#wires.delete(wire); });
    this.#failure?.(wire);
  }
}

/** One connection through the network. */
class Wire {
  isSilent = false;
  #ends;

  constructor(client, server) {
    this.#ends = [client, server];
    for (const [end, other] of [[client, server], [server, client]]) {
      end.pipe(other);
      end.on("error", () => {}).on("close", () => { if (!this.isSilent) other.destroy(); });
    }
  }

  reset() {
    for (const end of this.#ends) end.destroy();
  }

  fallSilent() {
    this.isSilent = true;
    // What still comes in is read, so that neither side sees a full buffer, and thrown away.
    for (const end of this.#ends) end.unpipe().resume();
  }
}
