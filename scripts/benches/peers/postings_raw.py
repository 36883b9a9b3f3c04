"""The same pages of postings by bare Sanic, asyncpg and orjson, the statements written by hand.

Deep pages begin behind a row, by the same index; words are asked of the same index too, and put into order after.
"""

import os
import sys
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sanic import HTTPResponse, Request, Sanic
from sanic.response import raw

_CARD = """
SELECT p.id, p.version, p.side, p.kind, p.supplier, p.title, p.occupation, p.major, p.region, p.address, p.latitude,
  p.longitude, p.headcount, p.filled, p.starts_on, p.ends_on, p.shift, p.pay_fen, p.pay_unit, p.hourly_fen,
  p.settlement, p.age_min, p.age_max, p.valid_until, p.state, p.meals, p.lodging, p.transport, p.state_since,
  p.submitted_at, p.published_at, o.id AS organisation_id, o.name AS organisation_name, o.kind AS organisation_kind
FROM posting p JOIN organisation o ON o.id = p.organisation_id
WHERE p.side = $1 AND p.state = 'live' AND p.valid_until >= current_date AND o.state = 'verified'"""
_NEWEST = "ORDER BY p.published_at DESC, p.id DESC LIMIT 20"
FIRST = f"{_CARD} {_NEWEST}"
FILTERED = f"{_CARD} AND p.region = $2 AND p.kind = $3 AND p.meals = $4 {_NEWEST}"
BEHIND = f"{_CARD} AND (p.published_at, p.id) < ($2, $3) {_NEWEST}"
HAVING = f"{_CARD} AND p.tokens @@ $2::text::tsquery {_NEWEST}"


def build(database: str, host: str) -> Sanic[Any, Any]:
    """Return the app."""
    app: Sanic[Any, Any] = Sanic("bare", configure_logging=False)

    @app.before_server_start
    async def start(app: Sanic[Any, Any]) -> None:
        app.ctx.pool = await asyncpg.create_pool(host=host, user="postgres", database=database, max_size=10)

    @app.get("/api/v1/postings")
    async def page(request: Request) -> HTTPResponse:
        statement, values = _asked(request)
        rows = [_card(row) for row in await app.ctx.pool.fetch(statement, request.args.get("side"), *values)]
        return raw(orjson.dumps({"items": rows}, default=str), content_type="application/json")

    @app.get("/health/live")
    async def live(_request: Request) -> HTTPResponse:
        return raw(b"{}", content_type="application/json")

    return app


def _asked(request: Request) -> tuple[str, tuple[Any, ...]]:
    args = request.args
    if word := args.get("q"):
        return HAVING, (word.encode().hex(),)
    if behind := args.get("behind"):
        return BEHIND, (datetime.fromisoformat(behind), UUID(args.get("id")))
    if region := args.get("region"):
        return FILTERED, (region, args.get("kind"), args.get("meals") == "true")
    return FIRST, ()


def _card(row: asyncpg.Record) -> dict[str, Any]:
    card = dict(row)
    kept = {name: card.pop(f"organisation_{name}") for name in ("id", "name", "kind")}
    return {**card, "organisation": kept, "distance_m": None}


if __name__ == "__main__":
    build(*sys.argv[1:]).run(
        "127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False
    )
