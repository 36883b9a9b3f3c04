"""The same answers from FastAPI on uvicorn, as somebody used to FastAPI would write them."""

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import uvicorn
from fastapi import FastAPI, Header, Response
from pydantic import BaseModel

from scripts.benches.peers import material
from scripts.benches.peers.material import Piece

IfNoneMatch = Annotated[str | None, Header()]


class Live(BaseModel):
    """The process runs."""

    status: str


class Question(BaseModel):
    """Who asks about programmes, and what is known of them."""

    audience: str
    jurisdiction: str
    on: date
    facts: dict[str, bool | int | str]


def build(pieces: dict[str, Piece]) -> FastAPI:
    """Return the app."""
    app = FastAPI()

    @app.get("/api/v1/guide/{edition}/articles/{slug}")
    async def read(edition: str, slug: str, if_none_match: IfNoneMatch = None) -> Response:  # noqa: ARG001
        return _cached(pieces[material.ARTICLE], if_none_match)

    @app.get("/api/v1/guide/{edition}/leaflet")
    async def show(
        edition: str,  # noqa: ARG001
        audience: Literal["student", "feeder_school", "enterprise", "vocational_school"],  # noqa: ARG001
        if_none_match: IfNoneMatch = None,
    ) -> Response:
        return _cached(pieces[material.LEAFLET], if_none_match)

    @app.post("/api/v1/programmes/check")
    async def judge(question: Question) -> Response:  # noqa: ARG001 -- validated, which is the work here
        return Response(pieces[material.CHECK].body, media_type="application/json")

    @app.get("/health/live")
    async def live() -> Live:
        return Live(status="ok")

    return app


def _cached(piece: Piece, if_none_match: str | None) -> Response:
    headers = {"etag": piece.etag, "cache-control": piece.cache_control}
    if if_none_match == piece.etag:
        return Response(status_code=304, headers=headers)
    return Response(piece.body, headers={**headers, "content-type": piece.content_type})


if __name__ == "__main__":
    uvicorn.run(
        build(material.read(Path(sys.argv[1]))),
        host="127.0.0.1",
        port=int(os.environ["YZT_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
