// The line at the top of each page: how the connection is, and a button for those who do not want to wait.

/** Fills `root` (the page's `#state-line`) from the states of `client`. */
export function showState(root, client) {
  const part = name => root.querySelector(`[data-part="${name}"]`);
  const text = part("text");
  const wait = part("wait");
  const button = part("reconnect");
  let ticking = null;

  button.addEventListener("click", () => client.connect());
  globalThis.addEventListener("online", () => client.connect());

  client.onState(state => {
    root.dataset.state = state.name;
    text.textContent = describe(state);
    part("id").textContent = state.id ?? "none";
    part("id").parentElement.hidden = state.id === null;
    const cameBack = state.name !== "closed" && state.reason !== null;
    part("last").textContent = cameBack ? `Closed before: ${ending(state)}` : "";
    button.hidden = state.name !== "closed";
    clearInterval(ticking);
    wait.textContent = state.hint ?? "";
    if (state.retryIn !== null) ticking = countDown(wait, state);
  });
}

function describe(state) {
  if (state.name === "closed") return state.reason === null ? "Closed" : `Closed: ${ending(state)}`;
  return state.name === "open" ? "Open" : "Connecting…";
}

// The envelope has a close code; Socket.IO has a reason alone.
function ending({ code, reason }) {
  if (code === null) return `“${reason}”`;
  return reason === "" ? `${code}, ${MEANINGS[code] ?? "no reason given"}` : `${code}, “${reason}”`;
}

// The close codes that a browser reports by itself or that mostly come without a reason (RFC 6455 §7.4.1).
const MEANINGS = {
  1000: "normal closure",
  1001: "going away",
  1005: "no code given",
  1006: "connection lost",
};

// The seconds run outside the live region: a screen reader shall hear the state once, not every second.
function countDown(element, { retryIn, failures }) {
  const due = performance.now() + retryIn;
  const attempt = failures === 0 ? "Trying again" : `Attempt ${failures + 1}`;
  const show = () => {
    const left = Math.max(0, Math.ceil((due - performance.now()) / 1000));
    element.textContent = `${attempt} in ${left} s.`;
  };
  show();
  return setInterval(show, 250);
}
