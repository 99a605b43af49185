// A client of the JSON event envelope over the browser's own WebSocket.
//
//   const client = new EnvelopeClient();
//   client.on("warn", count => …);
//   client.emit("random", 0.5);
//   const answer = await client.emitWithAck("buy", { name }, { timeout: 5000 });

import { Backoff } from "./backoff.js";

const MAX_PENDING_ACKS = 256;
const MAX_BUFFERED_BYTES = 1 << 20;
const CONNECT_TIMEOUT_MS = 10_000;
const STABLE_AFTER_MS = 5_000;
const ABNORMAL = 1006;
const NO_CONNECT = 4000;
const NO_ENVELOPE = 4001;

/** What the server said about an envelope it did not accept, or an ack that it refused. */
export class EnvelopeError extends Error {
  constructor(message, code) {
    super(message);
    this.name = "EnvelopeError";
    this.code = code;
  }
}

/** The address of the envelope endpoint on the server that served this page. */
export function envelopeUrl(path = "/ws", base = globalThis.location.href) {
  const url = new URL(path, base);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

/**
 * One client of one server, over as many connections as it takes.
 *
 * `state` is what every state listener is given:
 * `{ name: "connecting" | "open" | "closed", id, code, reason, failures, retryIn }`. `code` and `reason` tell
 * how the last connection ended (null before the first end), `failures` counts failed attempts since,
 * and `retryIn` is the delay in milliseconds before the next attempt (null when there will be none).
 *
 * Besides what the server sends there are the events `connect` (its data), `disconnect` (`{ code, reason }`),
 * `connect_error` (its data) and `error` (the server did not accept a message).
 */
export class EnvelopeClient {
  #url;
  #auth;
  #backoff = new Backoff();
  #handlers = new Map();
  #stateListeners = new Set();
  #acks = new Map();
  #lastAckId = 0;
  #socket = null;
  #wanted = false;
  #timer = null;
  #stateNow = { name: "closed", id: null, code: null, reason: null, failures: 0, retryIn: null };

  constructor(url = envelopeUrl(), { auth = {} } = {}) {
    this.#url = url;
    this.#auth = auth;
  }

  get state() {
    return this.#stateNow;
  }

  /** The id that the server gave to the present connection, or null. */
  get id() {
    return this.#stateNow.id;
  }

  /** Calls `handler(...args)` for each such event; its return value answers the ack, if one was asked for. */
  on(event, handler) {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
    return this;
  }

  off(event, handler) {
    this.#handlers.get(event)?.delete(handler);
    return this;
  }

  /** Calls `listener(state)` now and at every change. Returns a function that ends it. */
  onState(listener) {
    this.#stateListeners.add(listener);
    listener(this.#stateNow);
    return () => this.#stateListeners.delete(listener);
  }

  /** Opens a connection now, unless there is one; also cuts short the wait before the next attempt. */
  connect() {
    this.#wanted = true;
    if (this.#socket !== null) return;
    clearTimeout(this.#timer);
    this.#setState({ name: "connecting", retryIn: null });
    this.#open();
  }

  /** Closes the connection and stays closed. */
  disconnect(code = 1000, reason = "client disconnect") {
    this.#wanted = false;
    clearTimeout(this.#timer);
    if (this.#socket === null) this.#setState({ retryIn: null });
    else this.#socket.close(code, reason);
  }

  /** Sends an event. Answers false, and sends nothing, when not open or when too much waits to be sent. */
  emit(event, ...args) {
    return this.#stateNow.name === "open" && this.#send(envelope(event, args));
  }

  /** Sends an event and resolves to the server's answer. Rejects when refused, too late, or not connected. */
  emitWithAck(event, data, { timeout = 5000 } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#acks.size >= MAX_PENDING_ACKS)
        return reject(new EnvelopeError("too many answers are waited for", "busy"));
      const id = ++this.#lastAckId;
      if (this.#stateNow.name !== "open" || !this.#send({ ...envelope(event, [data]), id }))
        return reject(new EnvelopeError("not connected", "closed"));
      const late = () =>
        this.#settle(id, ack => ack.reject(new EnvelopeError("no answer in time", "timeout")));
      this.#acks.set(id, { resolve, reject, timer: setTimeout(late, timeout) });
    });
  }

  #open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#timer = setTimeout(() => this.#fail(NO_CONNECT, "no connect in time"), CONNECT_TIMEOUT_MS);
    socket.onopen = () => this.#send({ event: "connect", data: this.#auth });
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #fail(code, reason, shown = reason) {
    const socket = this.#socket;
    if (socket === null) return;
    // The peer may be gone: do not wait for its half of the closing handshake.
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code, reason);
    this.#closed(code, shown);
  }

  #closed(code, reason) {
    const wasOpen = this.#stateNow.name === "open";
    clearTimeout(this.#timer);
    this.#socket = null;
    for (const id of [...this.#acks.keys()])
      this.#settle(id, ack => ack.reject(new EnvelopeError("the connection closed", "closed")));
    const retryIn = this.#wanted ? this.#backoff.next() : null;
    if (retryIn !== null) this.#timer = setTimeout(() => this.connect(), retryIn);
    this.#setState({ name: "closed", id: null, retryIn, ...this.#ending(code, reason) });
    if (wasOpen) this.#dispatch("disconnect", [{ code, reason }]);
  }

  // An attempt that came to nothing says less than the end of the connection before it.
  #ending(code, reason) {
    const now = this.#stateNow;
    const attemptFailed = now.name === "connecting" && code === ABNORMAL && now.code !== null;
    return attemptFailed ? { failures: now.failures + 1 } : { code, reason, failures: 0 };
  }

  #receive(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      return this.#fail(NO_ENVELOPE, "not an envelope");
    }
    if (message === null || typeof message !== "object") this.#fail(NO_ENVELOPE, "not an envelope");
    else if (message.ack !== undefined) this.#answered(message);
    else if (message.error !== undefined) this.#dispatch("error", [message.error]);
    else if (message.event === "connect") this.#connected(message.data);
    else if (message.event === "connect_error") this.#refused(message.data);
    else if (typeof message.event === "string") this.#received(message);
  }

  #connected(data) {
    clearTimeout(this.#timer);
    // Only a connection that lasts ends the backoff: a server that accepts and drops must not be hammered.
    this.#timer = setTimeout(() => this.#backoff.reset(), STABLE_AFTER_MS);
    this.#setState({ name: "open", id: data?.id ?? null, failures: 0, retryIn: null });
    this.#dispatch("connect", [data]);
  }

  #refused(data) {
    // The answer will not change by asking again; the person in front of the page decides.
    this.#wanted = false;
    this.#dispatch("connect_error", [data]);
    this.#fail(NO_CONNECT, "refused", String(data?.message ?? "refused"));
  }

  async #received({ event, id, ...rest }) {
    const args = rest.args ?? ("data" in rest ? [rest.data] : []);
    try {
      const answer = await this.#dispatch(event, args);
      if (id !== undefined) this.#send({ ack: id, data: answer ?? null });
    } catch (error) {
      const message = String(error?.message ?? error);
      if (id !== undefined) this.#send({ ack: id, error: { code: "handler", message } });
      throw error;
    }
  }

  #dispatch(event, args) {
    let answer;
    for (const handler of [...(this.#handlers.get(event) ?? [])]) answer = handler(...args) ?? answer;
    return answer;
  }

  #answered({ ack: id, data, error }) {
    this.#settle(id, ack =>
      error === undefined ? ack.resolve(data) : ack.reject(new EnvelopeError(error.message, error.code)));
  }

  #settle(id, how) {
    const ack = this.#acks.get(id);
    if (ack === undefined) return;
    this.#acks.delete(id);
    clearTimeout(ack.timer);
    how(ack);
  }

  #send(message) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN || socket.bufferedAmount > MAX_BUFFERED_BYTES) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  #setState(change) {
    this.#stateNow = { ...this.#stateNow, ...change };
    for (const listener of this.#stateListeners) listener(this.#stateNow);
  }
}

function envelope(event, args) {
  return args.length === 1 ? { event, data: args[0] } : { event, args };
}
