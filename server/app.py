"""The composition root: builds the app, opens and closes what it leans on, mounts the faces."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from sanic import Blueprint, Sanic
from tortoise.backends.base.client import BaseDBAsyncClient

from miniprogram_api import docs, openapi
from miniprogram_api.faces import FACES, publish
from miniprogram_api.problem import ProblemHandler, Problems
from miniprogram_api.protocol import BODY_LIMIT_BYTES, StrictProtocol, StrictRequest
from miniprogram_api.web import require_declarations
from server import db, schedules
from server.gateways.wakeup import LocalWakeup, wakeup
from server.kernel import audit
from server.kernel.jobs.worker import Handler, Worker
from server.kernel.traffic import TRAFFIC
from server.secrets import Keys
from server.settings import ROOT, Settings

CONTENT_DIR = ROOT / "content"
_CHECK_SECONDS = 1.0

WHERE_TO_LOOK = """
宜职通 is running. Try:
  {base}/                                             the guide, as pages in a browser
  {base}/api/v1/guide/2026/leaflet?audience=student   the students' leaflet, printable
  {base}/api/v1/guide/2026                            the articles of this year's guide
  {base}/api/v1/policies/aq-2024-91/clauses/15        one clause, in our words
  {base}/docs                                         every route
Stop with Ctrl-C.
"""

App = Sanic[Any, Any]


def build(
    settings: Settings,
    *,
    extra_faces: Sequence[Blueprint] = (),
    extra_handlers: Mapping[str, Handler] | None = None,
) -> App:
    """Return the app for `settings`, ready to be served.

    `extra_faces` and `extra_handlers` are mounted beside our own; tests bring probes that way. Raises ContentError
    where the content is broken and RuntimeError where a route does not say who may call it.
    """
    problems = Problems.load(CONTENT_DIR)
    app = Sanic(
        "yizhitong",
        request_class=StrictRequest,
        error_handler=ProblemHandler(problems),
        configure_logging=False,
    )
    app.config.update(
        REQUEST_MAX_SIZE=BODY_LIMIT_BYTES,
        REQUEST_TIMEOUT=settings.request_seconds,
        RESPONSE_TIMEOUT=settings.request_seconds,
        KEEP_ALIVE_TIMEOUT=settings.request_seconds,
        GRACEFUL_SHUTDOWN_TIMEOUT=10.0,
        ACCESS_LOG=False,
        MOTD=False,
        NOISY_EXCEPTIONS=False,
    )
    app.ctx.settings = settings
    unlock(settings)
    app.ctx.schedules = schedules.SCHEDULES
    TRAFFIC.logged = settings.log_level in {"DEBUG", "INFO"}
    publish(app, CONTENT_DIR)
    for face in (*FACES, *extra_faces):
        app.blueprint(face)
    require_declarations(app)
    app.ctx.docs = docs.prepare(openapi.document(app), problems)
    _live(app, settings, {**schedules.HANDLERS, **(extra_handlers or {})})
    return app


def serve(app: App) -> None:
    """Serve `app` in this process until it is told to stop.

    One process: Sanic's manager never restarts a killed worker, and killing the manager leaves workers on the port.
    """
    settings: Settings = app.ctx.settings

    # What is loaded now stays until the end: no collection need ever walk through it again.
    gc.collect()
    gc.freeze()
    gc.enable()

    @app.after_server_start
    async def tell(_app: App) -> None:
        if not settings.production:
            print(WHERE_TO_LOOK.format(base=f"http://{settings.host}:{settings.port}"), flush=True)  # noqa: T201

    app.run(
        settings.host,
        settings.port,
        protocol=StrictProtocol,
        single_process=True,
        access_log=False,
        motd=False,
        debug=False,
    )


def unlock(settings: Settings) -> Mapping[str, Keys]:
    """Hand this process the keys of its audit; return the keys in force by ring."""
    keys = settings.keys()
    audit.use(keys["audit_keys"].by_id)
    return keys


def worker(settings: Settings, waker: LocalWakeup, handlers: Mapping[str, Handler]) -> Worker:
    """Return the job loop for `settings`."""
    return Worker(handlers, waker, schedules.SCHEDULES, timedelta(seconds=settings.job_lease_seconds))


def _live(app: App, settings: Settings, handlers: Mapping[str, Handler]) -> None:
    """Open everything before the first request and close it after the last, in one task as its context asks."""
    opened, closing = asyncio.Event(), asyncio.Event()

    async def life() -> None:
        async with _running(app, settings, handlers):
            opened.set()
            await closing.wait()

    @app.before_server_start
    async def start(app: App) -> None:
        app.ctx.life = asyncio.create_task(life())
        opening = asyncio.create_task(opened.wait())
        await asyncio.wait({app.ctx.life, opening}, return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if app.ctx.life.done():
            app.ctx.life.result()

    @app.before_server_stop
    async def stopping(_app: App) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):  # a second one would end the loop inside Sanic's clean-up
            asyncio.get_running_loop().add_signal_handler(number, int)

    @app.after_server_stop
    async def stop(app: App) -> None:
        closing.set()
        await app.ctx.life
        TRAFFIC.work_off()


@contextlib.asynccontextmanager
async def _running(app: App, settings: Settings, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(db.opened(settings.database, everywhere=True))
        waker = app.ctx.wakeup = wakeup(settings.redis_url)
        app.ctx.readiness = lambda: readiness(database, waker)
        loops = [waker.listen()]
        if settings.jobs:
            loops.append(worker(settings, waker, handlers).run())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def readiness(database: BaseDBAsyncClient, waker: LocalWakeup) -> dict[str, str]:
    """Return what the process leans on and how each does: `ok`, `degraded` or `failed`."""
    checks = {"content": "ok", "database": "ok", "migrations": "ok", "redis": "ok"}
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            if await db.schema_faults(database):
                checks["migrations"] = "failed"
    except Exception:  # noqa: BLE001 -- whatever keeps it from answering, it is not ready
        checks["database"] = checks["migrations"] = "failed"
    if not await waker.healthy():
        checks["redis"] = "degraded"
    return checks
