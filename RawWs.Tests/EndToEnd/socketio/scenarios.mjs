// Scenarios of the official clients, one after another; each prints a line of JSON with its outcome.
//
//   node scenarios.mjs URL polling|websocket|upgrade [--without-engine]
//
// The same list passes against the same application on the official server, but for what that one lacks: the
// Engine.IO echo (--without-engine), and the messages of /custom.

import { Clients, report } from "./harness.mjs";
import { engine } from "./scenarios/engine.mjs";
import { events } from "./scenarios/events.mjs";
import { lifecycle } from "./scenarios/lifecycle.mjs";
import { namespaces } from "./scenarios/namespaces.mjs";
import { rooms } from "./scenarios/rooms.mjs";

const [url, mode, option] = process.argv.slice(2);
const scenarios = {
  ...events, ...rooms, ...namespaces, ...lifecycle, ...(option === "--without-engine" ? {} : engine),
};
await report(scenarios, () => new Clients(url, mode));
process.exit(0);
