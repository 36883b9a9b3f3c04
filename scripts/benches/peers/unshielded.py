"""The probe's write with Tortoise's own `in_transaction` and engines: what a hang-up does without the shield."""

import asyncio
import os
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json
from tortoise import Tortoise
from tortoise.transactions import in_transaction

from server import db
from server.kernel import clock
from server.kernel.outbox import Event


def build(url: str) -> Sanic[Any, Any]:
    """Return the app on the migrated database at `url`."""
    app = Sanic("unshielded", configure_logging=False)

    @app.before_server_start
    async def start(_app: Sanic[Any, Any]) -> None:
        await Tortoise.init(_stock_engine(db.config(url)), _enable_global_fallback=True)

    @app.after_server_stop
    async def stop(_app: Sanic[Any, Any]) -> None:
        await Tortoise.close_connections()

    @app.post("/probe/notes")
    async def make(request: Request) -> HTTPResponse:
        note = request.json
        async with in_transaction():
            event = await Event.create(name="probe.noted", subject=note["text"], people=[], created_at=clock.now())
            await asyncio.sleep(note["seconds"])
        return json({"id": str(event.id), "text": event.subject}, 201)

    @app.get("/health/live")
    async def live(_request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    return app


def _stock_engine(settings: dict[str, Any]) -> dict[str, Any]:
    connection = settings["connections"]["default"]
    if connection["engine"] == "server.sqlite_engine":
        connection["engine"] = "tortoise.backends.sqlite"
    return settings


if __name__ == "__main__":
    build(os.environ["YZT_DATABASE_URL"]).run(
        "127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False
    )
