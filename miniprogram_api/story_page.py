"""An award's story as a page that people read and print."""

from datetime import datetime
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, StrictUndefined

from miniprogram_api.story_views import StoryView
from miniprogram_api.words import Words
from server import guide
from server.kernel import clock
from server.policy.programmes import money_text


def _moment(value: datetime | None) -> str:
    return f"{value.astimezone(clock.SHANGHAI):%Y-%m-%d %H:%M}" if value else "—"


_OWN, _SHARED = Path(__file__).parent / "templates", Path(guide.__file__).parent / "templates"
_PAGES = Environment(
    loader=ChoiceLoader([FileSystemLoader(_OWN), FileSystemLoader(_SHARED)]),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.filters |= {"moment": _moment, "money": money_text}


def page(view: StoryView, words: Words) -> str:
    """Return a story as one HTML document that asks for nothing else."""
    return _PAGES.get_template("story.html").render(story=view, words=words)
