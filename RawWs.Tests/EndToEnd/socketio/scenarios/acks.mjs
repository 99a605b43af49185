import { ask, until } from "../harness.mjs";

export const acks = {
  "an ack carries every value": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "message-with-ack"), []);
    assert.deepEqual(await ask(socket, "message-with-ack", 1, { a: [2] }, "x"), [1, { a: [2] }, "x"]);
    assert.equal(await socket.timeout(5000).emitWithAck("message-with-ack", "one"), "one");
  },

  "a thousand acks answer each its own question": async (clients, assert) => {
    const socket = await clients.connect();
    const numbers = Array.from({ length: 1000 }, (_, number) => number);
    const answers = await Promise.all(numbers.map(number => ask(socket, "message-with-ack", number)));
    assert.deepEqual(answers, numbers.map(number => [number]));
  },

  "what the server does not answer times out at the client": async (clients, assert) => {
    const socket = await clients.connect();
    const outcomes = ["nobody listens", "forbidden", "boom"].map(event =>
      socket.timeout(300).emitWithAck(event).then(() => "answered", error => error.message));
    assert.deepEqual(await Promise.all(outcomes), Array(3).fill("operation has timed out"));
    assert.deepEqual(await ask(socket, "message-with-ack", 1), [1]);
  },

  "the server's question is answered": async (clients, assert) => {
    const socket = await clients.connect();
    socket.on("question", (question, answer) => answer(`${question}!`));
    assert.deepEqual(await ask(socket, "ask-me", "why"), ["why!"]);
  },

  "many questions of the server are answered in any order": async (clients, assert) => {
    const socket = await clients.connect();
    const answers = [];
    socket.on("question", (question, answer) => answers.unshift(() => answer(question)));
    const asked = [1, 2, 3, 4, 5].map(number => ask(socket, "ask-me", number));
    await until(() => answers.length === 5, "not every question came");
    for (const answer of answers) answer();
    assert.deepEqual(await Promise.all(asked), [[1], [2], [3], [4], [5]]);
  },

  "a question without an answer times out": async (clients, assert) => {
    const socket = await clients.connect();
    assert.deepEqual(await ask(socket, "ask-me", "why"), [{ timeout: true }]);
  },

  "a late answer is ignored": async (clients, assert) => {
    const socket = await clients.connect();
    let answer;
    socket.on("question", (_, reply) => { answer = reply; });
    assert.deepEqual(await ask(socket, "ask-me", "why"), [{ timeout: true }]);
    answer("too late");
    assert.deepEqual(await ask(socket, "message-with-ack", "still here"), ["still here"]);
  },
};
