import { ask, once } from "../harness.mjs";

export const namespaces = {
  "a namespace has its own connection handler": async (clients, assert) => {
    const socket = clients.create("/custom", { auth: { a: 1 } });
    assert.deepEqual(await once(socket, "auth"), [{ a: 1 }]);
  },

  "an unknown namespace is refused": async (clients, assert) => {
    const [error] = await once(clients.create("/nobody-home"), "connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  "middleware refuses a client without the secret": async (clients, assert) => {
    const [error] = await once(clients.create("/private", { auth: { token: "guess" } }), "connect_error");
    assert.equal(error.message, "Not authorized");
    assert.deepEqual(error.data, { code: 401 });
  },

  "a client that was refused may try again": async (clients, assert) => {
    const socket = clients.create("/private", { auth: {} });
    await once(socket, "connect_error");
    socket.auth = { token: "secret" };
    socket.connect();
    await once(socket, "connect");
    assert.ok(socket.connected);
  },

  "a namespace is made by its pattern": async (clients, assert) => {
    const socket = clients.create("/dynamic-101");
    const hello = once(socket, "hello");
    assert.deepEqual(await hello, ["/dynamic-101"]);
    const [error] = await once(clients.create("/dynamic-x"), "connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  "several namespaces share a connection": async (clients, assert) => {
    const root = await clients.connect();
    const custom = root.io.socket("/custom", {});
    await once(custom, "connect");
    assert.notEqual(root.id, custom.id);
    custom.disconnect();
    assert.deepEqual(await ask(root, "message-with-ack", 2), [2]);
    const again = once(custom, "auth");
    custom.connect();
    assert.deepEqual(await again, [{}]);
    assert.ok(root.connected);
  },

  "a namespace has its messages": async (clients, assert) => {
    const socket = await clients.connect("/custom");
    assert.deepEqual(await ask(socket, "message-with-ack", 1, "2"), [1, "2"]);
    const back = once(socket, "message-back");
    socket.emit("message", { a: 1 });
    assert.deepEqual(await back, [{ a: 1 }]);
  },
};
