"""An export as a page that people read."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from server.kernel import clock
from server.privacy.export import Export


def _moment(value: datetime | None) -> str:
    return f"{value.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}" if value else "—"


_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters["moment"] = _moment


def export_page(export: Export, appeals: Sequence[Any]) -> str:
    """Return an export as one HTML document that asks for nothing else."""
    return _PAGES.get_template("export.html").render(export=export, appeals=appeals)
