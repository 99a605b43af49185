import { addEntry } from "./lib/event-list.js";
import { createClient } from "./lib/page-client.js";
import { showState } from "./lib/state-line.js";
import { StripChart } from "./lib/strip-chart.js";

const THRESHOLD = 0.95;
const EVERY_MS = 500;

const element = id => document.getElementById(id);
const client = createClient();
const chart = new StripChart(element("chart"), { threshold: THRESHOLD });
const counts = { sent: 0, above: 0 };
const unanswered = [];
let paused = false;
let greeted = false;
let timer = null;

client.on("server message", ({ msg }) => addEntry(element("log"), msg));

client.on("warn", count => {
  element("warnings").textContent = count;
  addEntry(element("log"), `warn: ${count}`, { kind: "warn" });
  const sentAt = unanswered.shift();
  if (sentAt === undefined) return;
  const seconds = ((performance.now() - sentAt) / 1000).toFixed(2);
  element("late").textContent = `The last one came ${seconds} s after its number.`;
});

client.on("connect", begin);
client.on("disconnect", () => {
  clearInterval(timer);
  addEntry(element("log"), "disconnected", { kind: "state" });
});

client.onState(({ name }) => {
  chart.run(name === "open" && !paused);
  element("send-high").disabled = name !== "open";
});

element("send-high").addEventListener("click", () => {
  const share = 0.1 + 0.9 * Math.random();
  send(THRESHOLD + (1 - THRESHOLD) * share);
});

element("pause").addEventListener("click", ({ currentTarget: button }) => {
  paused = !paused;
  button.setAttribute("aria-pressed", paused);
  button.textContent = paused ? "Resume" : "Pause";
  chart.run(!paused && client.state.name === "open");
});

showState(element("state-line"), client);
client.connect();

function begin() {
  addEntry(element("log"), "connected", { kind: "state" });
  // The server counts warnings on the connection: a new one starts from nothing.
  element("warnings").textContent = 0;
  unanswered.length = 0;
  if (!greeted) greeted = client.emit("client message", { msg: "hi, server" });
  timer = setInterval(() => paused || send(Math.random()), EVERY_MS);
}

function send(value) {
  if (!client.emit("random", value)) return;
  chart.add(value);
  element("sent").textContent = ++counts.sent;
  element("last-value").textContent = value.toFixed(3);
  if (value <= THRESHOLD) return;
  unanswered.push(performance.now());
  element("above").textContent = ++counts.above;
}
