"""The same page of postings by bare Sanic, asyncpg and orjson, the statement written by hand."""

import os
import sys
from typing import Any

import asyncpg
import orjson
from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

PAGE = """
SELECT p.id, p.version, p.side, p.kind, p.supplier, p.title, p.occupation, p.major, p.region, p.address, p.latitude,
  p.longitude, p.headcount, p.filled, p.starts_on, p.ends_on, p.shift, p.pay_fen, p.pay_unit, p.hourly_fen,
  p.settlement, p.age_min, p.age_max, p.valid_until, p.state, p.meals, p.lodging, p.transport, p.state_since,
  p.submitted_at, p.published_at, o.id AS organisation_id, o.name AS organisation_name, o.kind AS organisation_kind
FROM posting p JOIN organisation o ON o.id = p.organisation_id
WHERE p.side = $1 AND p.state = 'live' AND p.valid_until >= current_date AND o.state = 'verified'
  AND p.region = $2 AND p.kind = $3 AND p.meals = $4
ORDER BY p.published_at DESC, p.id DESC LIMIT 20"""


def build(database: str, host: str) -> Sanic[Any, Any]:
    """Return the app."""
    app: Sanic[Any, Any] = Sanic("bare", configure_logging=False)

    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        app.ctx.pool = await asyncpg.create_pool(host=host, user="postgres", database=database, max_size=10)

    @app.get("/api/v1/postings")
    async def page(request: Request) -> HTTPResponse:
        args = request.args
        wanted = args.get("side"), args.get("region"), args.get("kind"), args.get("meals") == "true"
        rows = [_card(row) for row in await app.ctx.pool.fetch(PAGE, *wanted)]
        return raw(orjson.dumps({"items": rows}, default=str), content_type="application/json")

    @app.get("/health/live")
    async def live(_request: Request) -> HTTPResponse:
        return raw(b"{}", content_type="application/json")

    return app


def _card(row: asyncpg.Record) -> dict[str, Any]:
    card = dict(row)
    kept = {name: card.pop(f"organisation_{name}") for name in ("id", "name", "kind")}
    return {**card, "organisation": kept, "distance_m": None}


if __name__ == "__main__":
    build(*sys.argv[1:]).run(
        "127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False
    )
