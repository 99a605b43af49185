// Numbered messages in both directions while connections upgrade: none may be lost, doubled or reordered.
//
//   node upgrades.mjs URL COUNT

import { io } from "socket.io-client";
import { TRUST, report, until, within } from "./harness.mjs";

const AT_A_TIME = 20;
const PER_TICK = 3;

// So many messages follow the upgrade, whatever came before.
const AFTER_UPGRADE = 20;

const [url, countText] = process.argv.slice(2);
const count = Number(countText);

/** Talks through one upgrade and answers how many messages came back. */
async function talk() {
  const socket = io(url, { forceNew: true, reconnection: false, ...TRUST });
  const faults = [];
  let sent = 0;
  let backs = 0;
  let acks = 0;
  socket.on("message-back", (number, bytes) => {
    if (number !== backs++) faults.push(`${number} came as number ${backs - 1}`);
    if (number % 5 === 0 && bytes?.length !== 3) faults.push(`${number} came without its bytes`);
  });
  const send = () => {
    const number = sent++;
    if (number % 5 === 0) socket.emit("message", number, Buffer.of(1, 2, 3));
    else socket.emit("message", number);
    socket.emit("message-with-ack", number, echoed => {
      if (echoed !== number || number !== acks++) faults.push(`the ack of ${number} came as number ${acks - 1}`);
    });
  };
  const ended = new Promise((_, reject) => {
    socket.on("connect_error", reject).on("disconnect", reason => reject(new Error(reason)));
  });
  const isUpgraded = () => socket.io.engine?.transport?.name === "websocket";
  const conversation = async () => {
    await until(() => socket.connected, "it did not connect");
    let after = 0;
    while (after < AFTER_UPGRADE) {
      for (let i = 0; i < PER_TICK; i++) send();
      if (isUpgraded()) after += PER_TICK;
      await new Promise(resolve => setTimeout(resolve, 1));
    }
    await until(() => backs === sent && acks === sent, `of ${sent}, ${backs} came back and ${acks} were answered`);
  };
  try {
    await within(Promise.race([conversation(), ended]), "the conversation did not end", 60_000);
    if (faults.length > 0) throw new Error(faults.join("\n"));
    return backs;
  } finally {
    socket.removeAllListeners().close();
  }
}

await report({
  [`${count} upgrades`]: async (_, assert) => {
    let begun = 0;
    let messages = 0;
    const failures = [];
    const worker = async () => {
      while (begun < count) {
        begun++;
        await talk().then(number => { messages += number; }, error => failures.push(error.message));
      }
    };
    await within(Promise.all(Array.from({ length: AT_A_TIME }, worker)), "not done in time", 300_000);
    console.log(`# ${count} upgrades, ${messages} messages and as many acks`);
    assert.deepEqual(failures, []);
  },
}, () => ({ close() {} }), 310_000);
process.exit(0);
