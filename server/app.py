"""The composition root: builds the app, opens and closes what it leans on, mounts the faces."""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from sanic import Blueprint, Sanic
from tortoise.backends.base.client import BaseDBAsyncClient

from miniprogram_api import docs, openapi
from miniprogram_api.faces import FACES, publish
from miniprogram_api.problem import ProblemHandler, Problems
from miniprogram_api.protocol import BODY_LIMIT_BYTES, StrictProtocol, StrictRequest
from miniprogram_api.web import require_declarations
from server import db, schedules
from server.access.callers import Callers
from server.callbacks.models import Account
from server.gateways.cache import Cache, cache
from server.gateways.files import Files
from server.gateways.limits import Limits
from server.gateways.scans import Scans
from server.gateways.seals import Seals
from server.gateways.tokens import Tokens
from server.gateways.vault import Vault
from server.gateways.wakeup import LocalWakeup, wakeup
from server.gateways.wechat.callback import CallbackReader
from server.gateways.wechat.gateway import MiniProgram, ServiceAccount
from server.gateways.wechat.link import Link
from server.kernel import audit, sensitive
from server.kernel.jobs.worker import Handler, Worker
from server.kernel.traffic import TRAFFIC
from server.labour import operator
from server.secrets import Keys
from server.settings import ROOT, Settings

CONTENT_DIR = ROOT / "content"
FILES = "files"
"""Where scans lie in the data directory; a backup takes them along."""
_CHECK_SECONDS = 1.0

WHERE_TO_LOOK = """
宜职通 is running. Try:
  {base}/                                             the guide, as pages in a browser
  {base}/api/v1/guide/2026/leaflet?audience=student   the students' leaflet, printable
  {base}/api/v1/guide/2026                            the articles of this year's guide
  {base}/api/v1/policies/aq-2024-91/clauses/15        one clause, in our words
  {base}/docs                                         every route
{wechat}Stop with Ctrl-C.
"""
WECHAT_IS_PLAYED = """WeChat is played at {standin}. Sign in as one of the demo people, here as a student:
  code=$(curl -s {standin}/control/codes -d '{{"openid": "demo-student"}}' | cut -d'"' -f4)
  curl -s {base}/api/v1/sessions -H 'Content-Type: application/json' -d '{{"code": "'$code'"}}'
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
        PROXIES_COUNT=settings.proxies or None,
        ACCESS_LOG=False,
        MOTD=False,
        NOISY_EXCEPTIONS=False,
    )
    app.ctx.settings, app.ctx.problems = settings, problems
    keys = unlock(settings)
    app.ctx.tokens = Tokens(keys["token_keys"].by_id)
    app.ctx.seals = Seals(keys["index_keys"].by_id)
    app.ctx.files, app.ctx.scans = files(settings), Scans()
    app.ctx.callers = Callers(app.ctx.tokens)
    app.ctx.callbacks = callback_readers(settings)
    app.ctx.schedules = schedules.every(app.ctx.files)
    TRAFFIC.logged = settings.log_level in {"DEBUG", "INFO"}
    publish(app, CONTENT_DIR)
    for face in (*FACES, *extra_faces):
        app.blueprint(face)
    require_declarations(app)
    app.ctx.docs = docs.prepare(openapi.document(app), problems)
    _live(app, settings, extra_handlers or {})
    return app


def serve(app: App) -> None:
    """Serve `app` in this process until it is told to stop.

    One process: Sanic's manager never restarts a killed worker, and killing the manager leaves workers on the port.
    """
    settings: Settings = app.ctx.settings
    if not settings.wechat_url:
        from server.standin import serving  # noqa: PLC0415 -- where WeChat is real, nobody loads it

        standin = serving.build(settings.mini_program, settings.service_account, settings.base)
        serving.beside(app, standin, settings.standin_port)

    # What is loaded now stays until the end: no collection need ever walk through it again.
    gc.collect()
    gc.freeze()
    gc.enable()

    @app.after_server_start
    async def tell(_app: App) -> None:
        if not settings.production:
            played = "" if settings.wechat_url else WECHAT_IS_PLAYED.format(base=settings.base, standin=settings.wechat)
            print(WHERE_TO_LOOK.format(base=settings.base, wechat=played), flush=True)  # noqa: T201

    app.run(
        settings.host,
        settings.port,
        protocol=StrictProtocol,
        single_process=True,
        access_log=False,
        motd=False,
        debug=False,
    )


def callback_readers(settings: Settings) -> Mapping[Account, CallbackReader]:
    """Return what reads the callbacks of each account; in production in secure mode only."""
    accounts = {Account.MINI_PROGRAM: settings.mini_program, Account.SERVICE_ACCOUNT: settings.service_account}
    return {
        account: CallbackReader(found.appid, found.callback_token, found.callback_key, secure_only=settings.production)
        for account, found in accounts.items()
    }


def unlock(settings: Settings) -> Mapping[str, Keys]:
    """Hand this process its vault, the keys of its audit and by what right it publishes; return the keys by ring."""
    keys = settings.keys()
    sensitive.use(Vault(keys["vault_keys"].by_id, keys["index_keys"].by_id))
    audit.use(keys["audit_keys"].by_id)
    operator.use(settings.operator.valid_to if settings.operator else None)
    return keys


def files(settings: Settings) -> Files:
    """Return the scans of this process."""
    return Files(settings.data_dir / FILES, settings.keys()["vault_keys"].by_id)


def worker(settings: Settings, waker: LocalWakeup, handlers: Mapping[str, Handler]) -> Worker:
    """Return the job loop for `settings`."""
    return Worker(handlers, waker, schedules.every(files(settings)), timedelta(seconds=settings.job_lease_seconds))


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
        link = reach_out(app.ctx, settings, stack)
        app.ctx.readiness = lambda: readiness(database, waker, link)
        loops = [waker.listen(), app.ctx.callers.follow()]
        if settings.jobs:
            all_handlers = {**schedules.handlers(app.ctx.service_account), **handlers}
            loops.append(worker(settings, waker, all_handlers).run())
        tasks = [asyncio.create_task(loop) for loop in loops]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def reach_out(ctx: SimpleNamespace, settings: Settings, stack: contextlib.AsyncExitStack) -> Link:
    """Put what reaches beyond the process on `ctx`, which opens when it is needed; return the way to WeChat."""
    shared: Cache = cache(settings.redis_url)
    stack.push_async_callback(shared.close)
    link = Link(settings.wechat)
    stack.push_async_callback(link.close)
    mini, service = settings.mini_program, settings.service_account
    ctx.cache = shared
    ctx.limits = Limits(shared, pepper=mini.secret)
    ctx.wechat = MiniProgram(link, shared, mini.appid, mini.secret)
    ctx.service_account = ServiceAccount(link, shared, service.appid, service.secret)
    return link


async def readiness(database: BaseDBAsyncClient, waker: LocalWakeup, link: Link) -> dict[str, str]:
    """Return what the process leans on and how each does: `ok`, `degraded` or `failed`; WeChat is not asked."""
    checks = {"content": "ok", "database": "ok", "migrations": "ok", "redis": "ok", "wechat": "ok"}
    try:
        async with asyncio.timeout(_CHECK_SECONDS):
            if await db.schema_faults(database):
                checks["migrations"] = "failed"
    except Exception:  # noqa: BLE001 -- whatever keeps it from answering, it is not ready
        checks["database"] = checks["migrations"] = "failed"
    if not await waker.healthy():
        checks["redis"] = "degraded"
    if not link.healthy():
        checks["wechat"] = "degraded"
    return checks
