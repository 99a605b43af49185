import { addEntry, append } from "./lib/event-list.js";
import { createClient } from "./lib/page-client.js";
import { showState } from "./lib/state-line.js";

const LIMIT = 200;
const HUES = 6;

const element = id => document.getElementById(id);
const messages = element("messages");
const client = createClient();

client.on("chat", ({ from, text }) => addMessage(from, text));
client.on("server message", ({ msg }) => {
  if (msg === "broadcast") addNote("Someone joined.");
});

client.on("left", () => addNote("Someone left."));

client.on("connect", () => addNote("You are connected."));
client.on("disconnect", () => addNote("The connection ended."));

client.onState(({ name, id }) => {
  element("send").disabled = name !== "open";
  element("me").textContent = id ?? "not connected";
});

element("compose").addEventListener("submit", event => {
  event.preventDefault();
  const text = element("text").value.trim();
  if (text === "" || !client.emit("chat", text)) return;
  addMessage(client.id, text, true);
  element("text").value = "";
  element("text").focus();
});

showState(element("state-line"), client);
client.connect();

function addNote(text) {
  addEntry(messages, text, { kind: "state", limit: LIMIT });
}

function addMessage(from, text, own = false) {
  const item = document.createElement("li");
  item.className = own ? "message own" : "message";
  item.dataset.hue = hueOf(from);
  const author = document.createElement("b");
  author.textContent = own ? "You" : from;
  const body = document.createElement("p");
  // Text of strangers: it becomes a text node and nothing else.
  body.textContent = text;
  item.append(author, body);
  append(messages, item, LIMIT);
}

function hueOf(id) {
  let sum = 0;
  for (const character of String(id)) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return sum % HUES;
}
