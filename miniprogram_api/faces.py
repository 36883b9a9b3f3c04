"""Every blueprint of the product, and the answers made before the first request."""

from pathlib import Path
from typing import Any

from sanic import Blueprint, Sanic
from sanic.blueprint_group import BlueprintGroup

from miniprogram_api import guide as guide_face
from miniprogram_api import policies as policies_face
from miniprogram_api import programmes as programmes_face
from miniprogram_api.docs import docs
from miniprogram_api.health import health
from miniprogram_api.shelf import Shelf
from server.guide import service as guide_service
from server.policy import service as policy_service

FACES: tuple[Blueprint | BlueprintGroup, ...] = (
    health,
    docs,
    Blueprint.group(guide_face.guide, policies_face.policies, programmes_face.programmes, url_prefix="/api/v1"),
)


def publish(app: Sanic[Any, Any], content_dir: Path) -> None:
    """Load the content and make every answer that depends on nothing else; raises ContentError."""
    app.ctx.book = policy_service.load(content_dir)
    app.ctx.guide = guide_service.load(content_dir, app.ctx.book)
    shelf = app.ctx.shelf = Shelf()
    policies_face.prepare(shelf, app.ctx.book, app.ctx.guide)
    programmes_face.prepare(shelf, app.ctx.book)
    guide_face.prepare(shelf, app.ctx.guide)
