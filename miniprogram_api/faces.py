"""Every blueprint of the product, in the order of `api.md`."""

from pathlib import Path
from typing import Any

from sanic import Blueprint, Sanic

from miniprogram_api.docs import docs
from miniprogram_api.health import health

FACES: tuple[Blueprint, ...] = (health, docs)


def publish(app: Sanic[Any, Any], content_dir: Path) -> None:
    """Load."""
