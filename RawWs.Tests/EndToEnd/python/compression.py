"""Every agreement on permessage-deflate with another implementation, Python's websockets; a line of JSON for each group.

    python3 compression.py ws://HOST:PORT/echo
"""

import asyncio
import itertools
import json
import os
import sys
import traceback

import websockets
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

SERVER_WINDOWS = [None, *range(9, 16)]
# True: the client knows the parameter, and leaves the window to the server.
CLIENT_WINDOWS = [None, True, *range(9, 16)]


def text(length):
    return "".join(f'{{"id":{i * i % 1000},"name":"user {i % 50}"}},' for i in range(length // 16 + 1))[:length]


NOISE = os.urandom(3000)
MESSAGES = [text(16), text(3000), text(3000), "", NOISE, NOISE, text(128 * 1024), "gr\u00fc\u00dfe \U0001f600" * 300, text(3000)]


async def echo(url, **parameters):
    extension = ClientPerMessageDeflateFactory(**parameters)
    async with websockets.connect(url, compression=None, extensions=[extension], max_size=None) as socket:
        names = [accepted.name for accepted in socket.extensions]
        assert names == ["permessage-deflate"], (names, parameters)
        for message in MESSAGES:
            await socket.send(message)
        for message in MESSAGES:
            assert await asyncio.wait_for(socket.recv(), 10) == message, parameters


async def check(url, server_forgets, client_forgets):
    for server_window, client_window in itertools.product(SERVER_WINDOWS, CLIENT_WINDOWS):
        await echo(
            url,
            server_no_context_takeover=server_forgets,
            client_no_context_takeover=client_forgets,
            server_max_window_bits=server_window,
            client_max_window_bits=client_window)


def main():
    for server, client in itertools.product([False, True], repeat=2):
        word = {False: "may remember", True: "forgets"}
        name = f"websockets: the server {word[server]}, the client {word[client]}"
        detail = ""
        try:
            asyncio.run(check(sys.argv[1], server, client))
        except Exception:
            detail = traceback.format_exc()
        print(json.dumps({"name": name, "ok": not detail, "detail": detail}), flush=True)


main()
