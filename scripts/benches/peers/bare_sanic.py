"""Sanic with handlers that answer fixed bytes: no error pages, ids, counters, logs, validators or caches."""

import os
import sys
from pathlib import Path
from typing import Any

from sanic import HTTPResponse, Request, Sanic
from sanic.response import json, raw

from scripts.benches.peers import material
from scripts.benches.peers.material import Piece


def build(pieces: dict[str, Piece]) -> Sanic[Any, Any]:
    """Return the app."""
    app = Sanic("bare", configure_logging=False)
    article, leaflet, check = (pieces[name] for name in (material.ARTICLE, material.LEAFLET, material.CHECK))

    @app.get("/api/v1/guide/<_edition:str>/articles/<_slug:str>")
    async def read(_request: Request, _edition: str, _slug: str) -> HTTPResponse:
        return raw(article.body, content_type=article.content_type)

    @app.get("/api/v1/guide/<_edition:str>/leaflet")
    async def show(_request: Request, _edition: str) -> HTTPResponse:
        return raw(leaflet.body, content_type=leaflet.content_type)

    @app.post("/api/v1/programmes/check")
    async def judge(_request: Request) -> HTTPResponse:
        return raw(check.body, content_type=check.content_type)

    @app.get("/health/live")
    async def live(_request: Request) -> HTTPResponse:
        return json({"status": "ok"})

    return app


if __name__ == "__main__":
    build(material.read(Path(sys.argv[1]))).run(
        "127.0.0.1", int(os.environ["YZT_PORT"]), single_process=True, access_log=False, motd=False, debug=False
    )
