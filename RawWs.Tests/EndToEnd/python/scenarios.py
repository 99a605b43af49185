"""Scenarios of a Socket.IO client in Python; each prints a line of JSON with its outcome.

    python3 scenarios.py URL polling|websocket|upgrade
"""

import json
import queue
import sys
import threading
import traceback
import uuid

import engineio.payload
import socketio

PATIENCE = 10

# The client refuses an answer with more packets than this, from the official server as well.
engineio.payload.Payload.max_decode_packets = 1000

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}


class Client:
    """A client that remembers what it hears, and can wait for it."""

    def __init__(self, url, mode, namespace="/", auth=None):
        self.heard = queue.Queue()
        self.ended = threading.Event()
        self.namespace = namespace
        self.socket = socketio.Client(reconnection=False)
        handle_in_order(self.socket.eio)
        self.socket.on("*", self._hear, namespace=namespace)
        self.socket.on("disconnect", self.ended.set, namespace=namespace)
        for event in ("auth", "hello", "message-back", "binary-back", "gone", "tick", "middleware-error", "picture"):
            self.socket.on(event, self._handler(event), namespace=namespace)
        self.socket.on("question", lambda question: f"{question}!", namespace=namespace)
        self.socket.connect(
            url, transports=TRANSPORTS[mode], namespaces=[namespace], auth=auth, wait_timeout=PATIENCE)

    @property
    def id(self):
        return self.socket.get_sid(self.namespace)

    def emit(self, event, *args):
        self.socket.emit(event, args, namespace=self.namespace)

    def ask(self, event, *args):
        return self.socket.call(event, args, namespace=self.namespace, timeout=PATIENCE)

    def expect(self, event, *args):
        while True:
            heard = self.heard.get(timeout=PATIENCE)
            if heard[0] == event:
                equal(heard[1:], args)
                return

    def close(self):
        self.socket.disconnect()

    def _handler(self, event):
        return lambda *args: self._hear(event, *args)

    def _hear(self, event, *args):
        self.heard.put((event, *args))


def handle_in_order(engine):
    # The client gives each message a thread of its own, and what comes in order may be heard out of it. Here the
    # thread that receives them handles them.
    trigger = engine._trigger_event
    engine._trigger_event = lambda event, *args, run_async=False: trigger(event, *args, run_async=False)


def equal(actual, expected):
    if actual != expected:
        raise AssertionError(f"{actual!r} is not {expected!r}")


def credentials(connect):
    connect(auth={"token": "1", "n": [1, None]}).expect("auth", {"token": "1", "n": [1, None]})
    connect().expect("auth", {})


def events_and_acks(connect):
    client = connect()
    client.emit("message", 1, "2", {"three": [True, None]}, "é日🎉")
    client.expect("message-back", 1, "2", {"three": [True, None]}, "é日🎉")
    equal(client.ask("message-with-ack", "one"), "one")
    equal(client.ask("message-with-ack", 1, "2"), (1, "2"))


def bytes_both_ways(connect):
    client = connect()
    client.emit("binary-back", b"\x00\x1e\xff", {"deep": [b"", b"abc"]})
    client.expect("binary-back", b"\x00\x1e\xff", {"deep": [b"", b"abc"]})
    equal(client.ask("message-with-ack", b"abc"), b"abc")
    large = bytes(range(256)) * 1500
    equal(client.ask("message-with-ack", large), large)


def order(connect):
    client = connect()
    for number in range(500):
        client.emit("message", number)
    for number in range(500):
        client.expect("message-back", number)


def rooms(connect):
    one, other = connect(), connect()
    room = str(uuid.uuid4())
    equal(one.ask("join", room), "ok")
    equal(one.ask("rooms"), sorted([room, one.id]))
    other.emit("to-room", room, "picture", {"data": b"abc"})
    one.expect("picture", {"data": b"abc"})
    equal(other.ask("fetch-sockets", room), [one.id])
    equal(one.ask("leave", room), "ok")
    equal(one.ask("rooms"), [one.id])


def questions(connect):
    client = connect()
    equal(client.ask("ask-me", "why"), "why!")
    room = str(uuid.uuid4())
    client.ask("join", room)
    equal(client.ask("ask-room", room, "why"), {"answers": ["why!"], "timeout": False})


def state(connect):
    client = connect()
    equal(client.ask("set-data", {"a": 1}), "ok")
    equal(client.ask("get-data"), {"a": 1})
    client.emit("boom")
    client.emit("forbidden")
    client.expect("middleware-error", "forbidden")
    equal(client.ask("message-with-ack", "alive"), "alive")


def namespaces(connect):
    connect("/custom", {"a": 1}).expect("auth", {"a": 1})
    connect("/dynamic-7").expect("hello", "/dynamic-7")
    connect("/private", {"token": "secret"})
    for namespace, auth in (("/private", {"token": "guess"}), ("/nobody-home", None)):
        try:
            connect(namespace, auth)
        except socketio.exceptions.ConnectionError:
            continue
        raise AssertionError(f"{namespace} let it in")


def the_end(connect):
    observer, client = connect(), connect()
    observer.ask("join", "observers")
    own = client.id
    client.emit("disconnect-me", False)
    if not client.ended.wait(PATIENCE):
        raise AssertionError("it was not told")
    while True:
        event, *args = observer.heard.get(timeout=PATIENCE)
        if event == "gone" and args[0]["id"] == own:
            equal(args[0], {"id": own, "reason": "server namespace disconnect", "rooms": [own]})
            return


SCENARIOS = {
    "python: credentials are handed back": credentials,
    "python: events and acks carry every value": events_and_acks,
    "python: bytes go both ways": bytes_both_ways,
    "python: events keep their order": order,
    "python: rooms are joined and left": rooms,
    "python: the server's questions are answered": questions,
    "python: a socket has its state, and lives on": state,
    "python: namespaces let in and refuse": namespaces,
    "python: the server disconnects a client": the_end,
}


def main(url, mode):
    for name, scenario in SCENARIOS.items():
        clients = []

        def connect(namespace="/", auth=None):
            client = Client(url, mode, namespace, auth)
            clients.append(client)
            return client

        detail = ""
        try:
            scenario(connect)
        except Exception:  # Whatever went wrong is what the test reports.
            detail = traceback.format_exc()
        finally:
            for client in clients:
                client.close()
        print(json.dumps({"name": name, "ok": not detail, "detail": detail}), flush=True)


main(*sys.argv[1:])
