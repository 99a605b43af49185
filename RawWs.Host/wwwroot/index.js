import { EnvelopeClient } from "./lib/envelope-client.js";
import { showState } from "./lib/state-line.js";

const client = new EnvelopeClient();
showState(document.getElementById("state-line"), client);
client.connect();
