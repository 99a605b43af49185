// `ws` with its native add-on for masking: /echo sends each message back, /fan sends it to everyone on /fan.
//
//   node server.mjs
//
// Prints "listening on http://127.0.0.1:PORT" once it accepts; the system chooses the port.

import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const options = { noServer: true, perMessageDeflate: false, clientTracking: false, maxPayload: 16 * 1024 * 1024 };
const webSocketServer = new WebSocketServer(options);
const fan = new Set();

const paths = {
  "/echo": (socket) => {
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  },
  "/fan": (socket) => {
    fan.add(socket);
    socket.on("close", () => fan.delete(socket));
    socket.on("message", (data, isBinary) => {
      const sendOptions = { binary: isBinary };
      for (const receiver of fan)
        if (receiver.readyState === WebSocket.OPEN)
          receiver.send(data, sendOptions);
    });
  },
};

const httpServer = createServer((request, response) => response.writeHead(404).end());

httpServer.on("upgrade", (request, socket, head) => {
  const serve = paths[request.url];
  if (!serve) {
    socket.end("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }

  webSocketServer.handleUpgrade(request, socket, head, (webSocket) => {
    // A client that goes away without a closing handshake ends nothing but itself.
    webSocket.on("error", () => {});
    serve(webSocket);
  });
});

httpServer.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const { address, port } = httpServer.address();
  console.log(`listening on http://${address}:${port}`);
});
