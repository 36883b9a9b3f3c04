"""Serving the stand-in: beside the API in one process, or alone."""

import os
import socket
from typing import Any

from sanic import Sanic
from sanic.server import HttpProtocol

from server.standin.app import build

__all__ = ["HOST", "alone", "beside", "build", "listening"]

HOST = "127.0.0.1"
"""Never another: whoever reaches the stand-in can sign in as anybody."""
_BACKLOG = 1024
_OUTERMOST = 100
"""Starts before and, as Sanic ends in reverse, stops after everything of the API."""

App = Sanic[Any, Any]


def beside(api: App, standin: App, port: int) -> None:
    """Have `standin` served on `port` for as long as `api` is served, in the same process.

    From here on the port takes connections; they are answered before `api` starts and until it has stopped. Raises
    OSError where the port is taken.
    """
    door = listening(port)
    running: list[Any] = []

    async def start(_app: App) -> None:
        later = {"start_serving": False}  # not before what it opens is open
        server: Any = await standin.create_server(sock=door, protocol=HttpProtocol, asyncio_server_kwargs=later)
        await server.startup()
        await server.before_start()
        await server.start_serving()
        running.append(server)

    async def stop(_app: App) -> None:
        for server in running:
            server.close()
            for connection in list(server.connections):
                connection.abort()
            await server.after_stop()

    api.register_listener(start, "before_server_start", priority=_OUTERMOST)
    api.register_listener(stop, "after_server_stop", priority=_OUTERMOST)


def alone(standin: App, port: int) -> None:
    """Serve `standin` on `port` in this process until it is told to stop. Raises OSError where the port is taken."""
    standin.run(sock=listening(port), protocol=HttpProtocol, single_process=True, access_log=False, motd=False)


def listening(port: int) -> socket.socket:
    """Return a socket that takes connections on `port` of the loopback."""
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError as error:
        words = f"the stand-in cannot listen on {HOST}:{port} (YZT_STANDIN_PORT): {os.strerror(error.errno or 0)}"
        raise OSError(words) from error
