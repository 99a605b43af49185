// The official Socket.IO client behind the interface of EnvelopeClient, so that a page need not know which it has.

const SCRIPT = "/socket.io/socket.io.js";
const MISSING = "the Socket.IO client is not installed on this server";
const HINT = "Run npm install socket.io-client where the server was started, start it again, and reconnect.";

/**
 * One client of the server that served this page.
 *
 * Its script is loaded at the first `connect`. The states are those of EnvelopeClient, but that `code` is always
 * null and `retryIn` too: the official client keeps the wait before its next attempt to itself. `hint` says
 * what to do when the server has no script, else it is null.
 */
export class SocketIoClient {
  #options;
  #socket = null;
  #loading = false;
  #handlers = [];
  #stateListeners = new Set();
  #stateNow = { name: "closed", id: null, code: null, reason: null, failures: 0, retryIn: null, hint: null };

  /** `options` are those of the official client's `io(options)`. */
  constructor(options = {}) {
    this.#options = options;
  }

  get state() {
    return this.#stateNow;
  }

  get id() {
    return this.#stateNow.id;
  }

  on(event, handler) {
    this.#handlers.push([event, handler]);
    this.#socket?.on(event, handler);
    return this;
  }

  off(event, handler) {
    this.#handlers = this.#handlers.filter(([name, known]) => name !== event || known !== handler);
    this.#socket?.off(event, handler);
    return this;
  }

  onState(listener) {
    this.#stateListeners.add(listener);
    listener(this.#stateNow);
    return () => this.#stateListeners.delete(listener);
  }

  async connect() {
    if (this.#stateNow.name === "open" || this.#loading) return;
    this.#setState({ name: "connecting", hint: null });
    // Ends a wait before the next attempt: the official client would sit it out.
    if (this.#socket !== null) return void this.#socket.disconnect().connect();
    this.#loading = true;
    try {
      await loadScript();
      this.#open();
    } catch {
      this.#setState({ name: "closed", reason: MISSING, hint: HINT });
    } finally {
      this.#loading = false;
    }
  }

  disconnect() {
    this.#socket?.disconnect();
    this.#setState({ name: "closed" });
  }

  emit(event, ...args) {
    if (this.#stateNow.name !== "open") return false;
    this.#socket.emit(event, ...args);
    return true;
  }

  async emitWithAck(event, data, { timeout = 5000 } = {}) {
    if (this.#stateNow.name !== "open") throw new Error("not connected");
    return await this.#socket.timeout(timeout).emitWithAck(event, data);
  }

  #open() {
    this.#socket = globalThis.io({ ...this.#options, autoConnect: false });
    this.#socket.on("connect", () =>
      this.#setState({ name: "open", id: this.#socket.id, failures: 0 }));
    this.#socket.on("disconnect", reason => this.#setState({ name: "closed", id: null, reason, failures: 0 }));
    this.#socket.on("connect_error", error => this.#failed(error));
    this.#socket.io.on("reconnect_attempt", () => this.#setState({ name: "connecting" }));
    // Behind the state: a handler of the page may look at it, and may send.
    for (const [event, handler] of this.#handlers) this.#socket.on(event, handler);
    this.#socket.connect();
  }

  // An attempt that came to nothing says less than the end of the connection before it.
  #failed({ message }) {
    const { reason, failures } = this.#stateNow;
    this.#setState({ name: "closed", reason: reason ?? message, failures: failures + 1 });
  }

  #setState(change) {
    this.#stateNow = { ...this.#stateNow, ...change };
    for (const listener of this.#stateListeners) listener(this.#stateNow);
  }
}

function loadScript() {
  if (globalThis.io !== undefined) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = resolve;
    script.onerror = () => {
      script.remove();
      reject(new Error(MISSING));
    };
    document.head.append(script);
  });
}
