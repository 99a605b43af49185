// What the scenarios stand on: clients in one mode, waits that end, and the report.

import assert from "node:assert/strict";
import { io } from "socket.io-client";

/** How long a condition may take to come true, in milliseconds. */
export const PATIENCE = 10_000;

/** Nobody vouches for a certificate that a test has made. */
export const TRUST = { rejectUnauthorized: false };

export const TRANSPORTS = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

/** The clients of one scenario: they speak one mode, and are closed when it is over. */
export class Clients {
  #sockets = [];

  constructor(url, mode) {
    this.url = url;
    this.mode = mode;
    // Scenarios share the server, not their rooms.
    this.room = `room-${mode}-${Math.random().toString(36).slice(2)}`;
  }

  /** A client of a namespace that has not connected yet. */
  create(namespace = "/", options = {}) {
    const socket = io(new URL(namespace, this.url).href, {
      transports: TRANSPORTS[this.mode], forceNew: true, reconnection: false, ...TRUST, ...options,
    });
    this.#sockets.push(socket);
    return socket;
  }

  /** A client that is connected, and in the mode "upgrade" has upgraded. */
  async connect(namespace = "/", options = {}) {
    const socket = this.create(namespace, options);
    socket.heard = record(socket);
    await once(socket, "connect");
    if (this.mode === "upgrade") await upgraded(socket);
    return socket;
  }

  close() {
    for (const socket of this.#sockets) socket.close();
  }
}

/** Resolves with the arguments of the next event. */
export const once = (emitter, event) => within(
  new Promise((resolve, reject) => {
    emitter.once(event, (...args) => resolve(args));
    if (event !== "connect_error") emitter.once("connect_error", reject);
  }),
  `no "${event}" came`);

/** Emits and resolves with all values of the answer. */
export const ask = (socket, event, ...args) => within(
  new Promise(resolve => socket.emit(event, ...args, (...values) => resolve(values))),
  `"${event}" was not answered`);

export const upgraded = socket => until(
  () => socket.io.engine.transport.name === "websocket", "the transport was not upgraded");

/** Resolves when the condition holds. */
export async function until(condition, complaint) {
  const end = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > end) throw new Error(complaint);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** Nothing more is on its way to the client: what it asks now is answered behind everything before. */
export const settled = socket => ask(socket, "message-with-ack");

export async function within(promise, complaint, limit = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(complaint)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs scenarios one by one and prints a line of JSON for each. */
export async function report(scenarios, arrange, limit = 3 * PATIENCE) {
  for (const [name, scenario] of Object.entries(scenarios)) {
    const clients = arrange();
    let detail = "";
    try {
      await within(scenario(clients, assert), "the scenario did not end", limit);
    } catch (error) {
      detail = error.stack ?? String(error);
    } finally {
      clients.close();
    }
    console.log(JSON.stringify({ name, ok: detail === "", detail }));
  }
}

/** Everything that a client hears, as [event, ...arguments]. */
function record(socket) {
  const heard = [];
  socket.onAny((event, ...args) => heard.push([event, ...args]));
  return heard;
}
