"""`python -m server` serves. Each other command, as in `… migrate`, is told by the docstring of its function.

What takes arguments is in `operations`, as `backup` and `restore`.
"""

import asyncio
import contextlib
import gc
import signal
import sys
from types import SimpleNamespace

from tortoise.exceptions import BaseORMException

from server import app, db, life, operations, schedules
from server.awards import beginning as awards
from server.backups.archive import BackupError
from server.engagements import beginning
from server.gateways.wakeup import wakeup
from server.kernel import log
from server.kernel.content import ContentError
from server.kernel.jobs import observe
from server.notices import beginning as notices
from server.referrals import rules
from server.settings import Settings, SettingsError, unknown

USAGE_ERROR = 2


def main() -> int:
    """Run the command named on the command line; return the exit code."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        print(f"yizhitong cannot start: {error}", file=sys.stderr)  # noqa: T201 -- before any log exists
        return USAGE_ERROR
    for variable in unknown():
        print(f"{variable} is not a setting of this version", file=sys.stderr)  # noqa: T201
    log.configure(settings.log_level)
    command = COMMANDS.get(" ".join(sys.argv[1:]))
    operation = operations.OPERATIONS.get(" ".join(sys.argv[1:2]))
    try:
        if operation:
            app.unlock(settings)
            return operation(settings, sys.argv[2:])
        if command:
            command(settings)
            return 0
    except SettingsError as error:
        print(f"yizhitong cannot start: {error}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR
    except (OSError, ValueError, BaseORMException, ContentError, db.SchemaError, BackupError) as error:
        print(f"yizhitong cannot go on: {type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"usage: python -m server [{'|'.join([*filter(None, COMMANDS), *operations.OPERATIONS])}]", file=sys.stderr)  # noqa: T201
    return USAGE_ERROR


def serve(settings: Settings) -> None:
    """Serve in the foreground, in this one process, until SIGTERM or SIGINT; then finish what has begun."""
    gc.disable()  # until it serves, nothing that is made is thrown away
    gc.freeze()  # what is loaded by now is code: to walk through it takes a twentieth of the start and frees nothing
    app.serve(app.build(settings))


def standin(settings: Settings) -> None:
    """Play WeChat alone, in the foreground; its events go to the API at `YZT_HOST` and `YZT_PORT`."""
    if settings.production:
        raise SettingsError("the stand-in is for development and tests: whoever reaches it can sign in as anybody")
    from server.standin import serving  # noqa: PLC0415 -- no other command loads it

    print(f"WeChat is played on port {settings.standin_port}; it tells {settings.base} of its events", flush=True)  # noqa: T201
    serving.alone(serving.build(settings.mini_program, settings.service_account, settings.base), settings.standin_port)


def migrate(settings: Settings) -> None:
    """Bring the database up to date."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    for name in asyncio.run(db.migrate(settings.database)):
        print(f"applied {name}")  # noqa: T201


def work(settings: Settings) -> None:
    """Run the job loop alone, in the foreground, until SIGTERM or SIGINT."""
    asyncio.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    app.unlock(settings)
    rules.use(rules.load(app.CONTENT_DIR))
    beginning.begin_alone(app.CONTENT_DIR)
    awards.begin_alone(app.CONTENT_DIR)
    notices.begin(app.CONTENT_DIR)
    waker = wakeup(settings.redis_url)
    outside = SimpleNamespace()
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(db.opened(settings.database, everywhere=True))
        life.reach_out(outside, settings, stack)
        handlers = schedules.handlers(outside.service_account, life.files(settings))
        life.announce(settings, waker)
        loops = [
            waker.listen(),
            life.worker(settings, waker, handlers).run(),
            *life.tellers(settings, waker, outside),
        ]
        tasks = [asyncio.create_task(loop) for loop in loops]
        await stopped.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def jobs(settings: Settings) -> None:
    """Print when each schedule last ran and with what result, and the newest failed jobs."""
    asyncio.run(_jobs(settings))


async def _jobs(settings: Settings) -> None:
    async with db.opened(settings.database, everywhere=True):
        for run in await observe.last_runs([schedule.name for schedule in schedules.every(life.files(settings))]):
            print(f"{run.ended_at:%F %T} {'ok    ' if run.ok else 'failed'} {run.schedule} {run.result}")  # noqa: T201
        for job in await observe.failed(limit=20):
            print(f"{job.ended_at:%F %T} failed {job.kind} {job.id} {job.error}")  # noqa: T201


COMMANDS = {"": serve, "migrate": migrate, "worker": work, "jobs": jobs, "standin": standin}

if __name__ == "__main__":
    sys.exit(main())
