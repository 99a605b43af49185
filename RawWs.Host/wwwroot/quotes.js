import { createClient } from "./lib/page-client.js";
import { Sparkline } from "./lib/sparkline.js";
import { showState } from "./lib/state-line.js";

const element = id => document.getElementById(id);
const price = new Intl.NumberFormat("en", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const client = createClient();
const quotes = new Map();
const tickets = new Map();
let updates = 0;

client.on("connect", subscribe);
client.on("quote", quote => {
  element("updates").textContent = ++updates;
  showQuote(quote);
});
client.on("tickets", showTickets);
client.onState(({ name }) => {
  for (const show of tickets.values()) show({});
  const stale = name === "closed" && quotes.size > 0;
  element("receipt").textContent = stale ? "These are the last known figures." : "";
});

showState(element("state-line"), client);
client.connect();

async function subscribe() {
  try {
    const snapshot = await client.emitWithAck("quotes subscribe", {});
    snapshot.quotes.forEach(showQuote);
    snapshot.tickets.forEach(showTickets);
  } catch (error) {
    element("receipt").textContent = `The subscription failed: ${error.message}.`;
  }
}

async function buy(name) {
  try {
    const { ok, remaining } = await client.emitWithAck("buy", { name });
    element("receipt").textContent = ok
      ? `Yours: one ticket for ${name}. ${remaining} left.`
      : `${name} is sold out.`;
  } catch (error) {
    element("receipt").textContent = `Nothing was bought: ${error.message}.`;
  }
}

function showQuote(quote) {
  if (!quotes.has(quote.symbol)) quotes.set(quote.symbol, quoteCard(quote.symbol));
  quotes.get(quote.symbol)(quote);
}

function showTickets(state) {
  if (!tickets.has(state.name)) tickets.set(state.name, ticketCard(state));
  tickets.get(state.name)(state);
}

// A card is known by the function that brings it up to date.
function quoteCard(symbol) {
  const { card, part } = fromTemplate("quote-template");
  card.dataset.symbol = symbol;
  part("symbol").textContent = symbol;
  element("quotes").append(card);
  const line = new Sparkline(part("line"));
  return quote => {
    const up = quote.change >= 0;
    card.dataset.trend = up ? "up" : "down";
    part("price").textContent = price.format(quote.price);
    part("change").textContent = `${up ? "▲ +" : "▼ −"}${price.format(Math.abs(quote.change))} %`;
    part("line").ariaLabel = `Recent prices of ${symbol}, now ${price.format(quote.price)}`;
    line.add(quote.price, up);
  };
}

function ticketCard({ name }) {
  const { card, part } = fromTemplate("ticket-template");
  let known = { remaining: 0, total: 1 };
  card.dataset.name = name;
  part("name").textContent = name;
  part("bar").ariaLabel = `Tickets left for ${name}`;
  part("buy").ariaLabel = `Buy one ticket for ${name}`;
  part("buy").addEventListener("click", () => buy(name));
  element("tickets").append(card);
  return change => {
    known = { ...known, ...change };
    part("remaining").textContent = known.remaining;
    part("total").textContent = known.total;
    part("bar").max = known.total;
    part("bar").value = known.remaining;
    part("buy").disabled = known.remaining === 0 || client.state.name !== "open";
    part("buy").textContent = known.remaining === 0 ? "Sold out" : "Buy one";
  };
}

function fromTemplate(id) {
  const card = element(id).content.firstElementChild.cloneNode(true);
  return { card, part: name => card.querySelector(`[data-part="${name}"]`) };
}
