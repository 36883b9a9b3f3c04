"""A server in WeChat's place that answers whatever a test says, as no stand-in would."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from tests.harness.app import free_port

ACCESS_TOKEN = "canary-access-token"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Nonsense:
    """`answer` is given to every call but the one for an access token; `asked` lists the paths."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.answer: Handler = say(b"{}")
        self.asked: list[str] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/cgi-bin/stable_token":
            return web.json_response({"access_token": ACCESS_TOKEN, "expires_in": 7200})
        return await self.answer(request)


def say(data: bytes, status: int = 200, **headers: str) -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=data, status=status, headers=headers)

    return answer


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    with contextlib.suppress(ConnectionError, asyncio.CancelledError):
        for _ in range(100):
            await response.write(b" ")
            await asyncio.sleep(0.05)
    return response


async def hang(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def drop(request: web.Request) -> web.StreamResponse:
    assert request.transport
    request.transport.abort()
    return web.Response()


async def cut(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"openid":')
    assert request.transport
    request.transport.abort()
    return response


@contextlib.asynccontextmanager
async def running() -> AsyncIterator[Nonsense]:
    port, app = free_port(), web.Application()
    server = Nonsense(f"http://127.0.0.1:{port}")
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield server
    await runner.cleanup()
