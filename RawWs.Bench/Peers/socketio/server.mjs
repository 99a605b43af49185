// The official server with two events: `message` comes back to its sender, `publish` goes to everyone as `news`.
//
//   node server.mjs
//
// Prints "listening on http://127.0.0.1:PORT" once it accepts; the system chooses the port.

import { createServer } from "node:http";
import { Server } from "socket.io";

const httpServer = createServer();
const io = new Server(httpServer, { cors: { origin: "*" }, maxHttpBufferSize: 16 * 1024 * 1024 });

io.on("connection", (socket) => {
  socket.emit("auth", socket.handshake.auth);
  socket.on("message", (...args) => socket.emit("message-back", ...args));
  socket.on("publish", (value) => io.emit("news", value));
});

httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const { address, port } = httpServer.address();
  console.log(`listening on http://${address}:${port}`);
});
