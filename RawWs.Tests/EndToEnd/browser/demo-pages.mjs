// Drives the demo pages of a running server in a real browser.
//
//   node demo-pages.mjs BASE_URL                    every check but the last one below
//   node demo-pages.mjs BASE_URL --check PART       the checks with that in their names
//   node demo-pages.mjs BASE_URL --check reconnect  prints "ready-for-restart", then wants the server stopped
//                                                   and started again on the same port
//
// Prints one line of JSON for each check: {"name", "ok", "detail"}. Exit code 0 if all are ok, 1 otherwise.

import { stripVTControlCharacters } from "node:util";
import { chatChecks } from "./checks/chat.mjs";
import { connectionChecks, reconnectChecks } from "./checks/connection.mjs";
import { looksChecks } from "./checks/looks.mjs";
import { quotesChecks } from "./checks/quotes.mjs";
import { socketIoChecks } from "./checks/socketio.mjs";
import { storyChecks } from "./checks/story.mjs";
import { yardstickChecks } from "./checks/yardstick.mjs";
import { Tabs, withBrowser } from "./harness.mjs";

const [base, option, value] = process.argv.slice(2);
if (base === undefined || (option !== undefined && (option !== "--check" || value === undefined))) {
  console.error("usage: node demo-pages.mjs BASE_URL [--check reconnect | --check PART_OF_A_NAME]");
  process.exit(2);
}

const everyday = {
  ...storyChecks, ...yardstickChecks, ...quotesChecks, ...chatChecks, ...socketIoChecks, ...connectionChecks,
  ...looksChecks,
};
const chosen = value === "reconnect"
  ? reconnectChecks
  : Object.fromEntries(Object.entries(everyday).filter(([name]) => name.includes(value ?? "")));

const failures = await withBrowser(async browser => {
  let failed = 0;
  for (const [name, check] of Object.entries(chosen)) failed += (await run(browser, name, check)) ? 0 : 1;
  return failed;
});
process.exitCode = failures === 0 && Object.keys(chosen).length > 0 ? 0 : 1;

async function run(browser, name, check) {
  const opened = [];
  const tabs = async options => {
    const set = await Tabs.create(browser, base, options);
    opened.push(set);
    return set;
  };
  try {
    const detail = await check(tabs);
    return report(name, true, detail ?? "");
  } catch (error) {
    const said = opened.flatMap(set => set.complaints);
    return report(name, false, stripVTControlCharacters([error.message, ...said].join(" | ")));
  } finally {
    for (const set of opened) await set.close();
  }
}

function report(name, ok, detail) {
  console.log(JSON.stringify({ name, ok, detail }));
  return ok;
}
