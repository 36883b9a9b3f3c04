"""The life of a process: what it leans on is opened before the first request and closed after the last."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from sanic import Sanic
from tortoise.backends.base.client import BaseDBAsyncClient

from server import db, schedules
from server.gateways.cache import Cache, cache
from server.gateways.files import Files
from server.gateways.limits import Limits
from server.gateways.wakeup import LocalWakeup, wakeup
from server.gateways.wechat.gateway import MiniProgram, ServiceAccount
from server.gateways.wechat.link import Link
from server.kernel import outbox
from server.kernel.jobs.worker import Handler, Worker
from server.kernel.traffic import TRAFFIC
from server.notices import catalogue, fanout, putting
from server.notices.post import Post
from server.notices.sending import Sender
from server.settings import Settings

FILES = "files"
"""Where scans lie in the data directory; a backup takes them along."""
_CHECK_SECONDS = 1.0
_SOON_SECONDS = 0.01


class App(Sanic[Any, Any]):
    """Sanic, which can be stopped from its first answer on.

    Sanic itself hears no signal before it listens, and ends the loop at the first one; but the loop that runs the last
    listeners of the start is not the one that serves: to end that one is to fail, or to be forgotten and serve on.
    """

    def stop(self, terminate: bool = True, unregister: bool = False) -> None:  # noqa: FBT001, FBT002 -- Sanic's own shape
        """Stop as Sanic does, once the app serves."""
        if self.state.is_running:
            super().stop(terminate, unregister)
        else:
            asyncio.get_running_loop().call_later(_SOON_SECONDS, self.stop, terminate, unregister)


def files(settings: Settings) -> Files:
    """Return the scans of this process."""
    return Files(settings.data_dir / FILES, settings.keys()["vault_keys"].by_id)


def worker(settings: Settings, waker: LocalWakeup, handlers: Mapping[str, Handler]) -> Worker:
    """Return the job loop for `settings`."""
    return Worker(handlers, waker, schedules.every(files(settings)), timedelta(seconds=settings.job_lease_seconds))


def announce(settings: Settings, waker: LocalWakeup) -> None:
    """From now on what this process records is told to whom it concerns, by whichever process runs jobs."""
    putting.use(settings.env)
    outbox.announce(fanout.announced(catalogue.in_force()), waker)


def tellers(settings: Settings, waker: LocalWakeup, outside: SimpleNamespace) -> list[Coroutine[Any, Any, None]]:
    """Return the loops that put events into inboxes, the urgent in one of its own, that of receipts, and the post."""
    for_post = LocalWakeup()
    tell = partial(fanout.tell, catalogue=catalogue.in_force(), wakeup=for_post)
    lease = timedelta(seconds=settings.job_lease_seconds)
    lanes: list[Mapping[str, Handler]] = [{kind: partial(tell, kind=kind)} for kind in (fanout.URGENT, fanout.USUAL)]
    lanes.append(schedules.receipt_handlers(outside.service_account))
    workers = [Worker(lane, waker, lease=lease) for lane in lanes]
    sender = Sender(outside.wechat, outside.service_account, settings.mini_program.appid)
    return [*(worker.run() for worker in workers), Post(sender, for_post, settings.push_concurrency).run()]


def live(app: App, settings: Settings, handlers: Mapping[str, Handler]) -> None:
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
        _on_signals(partial(app.stop, terminate=False))  # Sanic itself listens only after its first answers

    @app.before_server_stop
    async def stopping(_app: App) -> None:
        _on_signals(int)  # a second one would end the loop inside Sanic's clean-up

    @app.after_server_stop
    async def stop(app: App) -> None:
        closing.set()
        await app.ctx.life
        TRAFFIC.work_off()


def _on_signals(told: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told)


@contextlib.asynccontextmanager
async def _running(app: App, settings: Settings, handlers: Mapping[str, Handler]) -> AsyncIterator[None]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(db.opened(settings.database, everywhere=True))
        waker = app.ctx.wakeup = wakeup(settings.redis_url)
        link = reach_out(app.ctx, settings, stack)
        app.ctx.readiness = lambda: readiness(database, waker, link)
        announce(settings, waker)
        loops = [waker.listen(), app.ctx.callers.follow()]
        if settings.jobs:
            all_handlers = {**schedules.handlers(app.ctx.service_account, app.ctx.files), **handlers}
            loops += [worker(settings, waker, all_handlers).run(), *tellers(settings, waker, app.ctx)]
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
