// The client of a demo page, in the dialect that its address asks for: ?dialect=socketio, or the envelope.

import { EnvelopeClient } from "./envelope-client.js";
import { SocketIoClient } from "./socketio-client.js";

const SOCKET_IO = "socketio";

/** Makes the client, and marks the dialect in the page's switch. */
export function createClient() {
  const dialect = new URLSearchParams(location.search).get("dialect") === SOCKET_IO ? SOCKET_IO : "envelope";
  document.querySelector(`[data-dialect="${dialect}"]`).setAttribute("aria-current", "true");
  if (dialect !== SOCKET_IO) return new EnvelopeClient();
  // Whoever has chosen keeps the dialect on the way to the other pages.
  for (const link of document.querySelectorAll('a[href$=".html"]:not([data-dialect])'))
    link.search = location.search;
  return new SocketIoClient();
}
