"""From resolved Markdown to HTML, and from pages to whole documents for a phone or one sheet of A4."""

import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from server.guide.editions import Article, Leaflet

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def body(markdown: str) -> str:
    """Return CommonMark as HTML; HTML written in it stays visible text."""
    return str(_MARKDOWN.render(markdown))


def link(label: str, href: str) -> str:
    """Return a Markdown link."""
    return f"[{label}]({href})"


def article_page(article: Article) -> str:
    """Return an article as a whole HTML document that asks for nothing else."""
    return _PAGES.get_template("article.html").render(page=article)


def leaflet_page(leaflet: Leaflet) -> str:
    """Return a leaflet as a whole HTML document that asks for nothing else."""
    sections = [part for part in re.split("(?=<h2>)", leaflet.html) if part]
    return _PAGES.get_template("leaflet.html").render(page=leaflet, sections=sections)
