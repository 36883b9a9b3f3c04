"""From resolved Markdown to HTML, and from pages to whole documents for a phone or one sheet of A4.

Every `*_page` function returns a complete HTML document that asks for nothing else: no script, no request.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markdown_it import MarkdownIt

from server.guide.editions import Article, ArticleHead, Edition, Leaflet
from server.guide.references import address
from server.guide.sheets import article_address, clause_sheet, edition_address, leaflet_address, programme_sheet
from server.policy.answers import ClauseAnswer, ProgrammeAnswer
from server.policy.book import PolicyBook

_MARKDOWN = MarkdownIt("commonmark", {"html": False})
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_PAGES.globals |= {
    "address": address,
    "article_address": article_address,
    "edition_address": edition_address,
    "leaflet_address": leaflet_address,
}


def body(markdown: str) -> str:
    """Return CommonMark as HTML; HTML written in it stays visible text."""
    return str(_MARKDOWN.render(markdown))


def link(label: str, href: str) -> str:
    """Return a Markdown link."""
    return f"[{label}]({href})"


def article_page(article: Article) -> str:
    """Return an article as a page."""
    return _PAGES.get_template("article.html").render(page=article)


def leaflet_page(leaflet: Leaflet) -> str:
    """Return a leaflet as a page that prints on one sheet."""
    sections = [part for part in re.split("(?=<h2>)", leaflet.html) if part]
    return _PAGES.get_template("leaflet.html").render(page=leaflet, sections=sections)


def edition_page(edition: Edition) -> str:
    """Return the front door of an edition: leaflets and articles by reader."""
    return _PAGES.get_template("edition.html").render(edition=edition)


def clause_page(clause: ClauseAnswer, cited_by: Sequence[ArticleHead], *, book: PolicyBook) -> str:
    """Return a clause as a page: what it says, whether it still governs, what follows from it, who explains it.

    `clause` is `policy.service.clause(book, …)`, `cited_by` is `guide.service.cited_by(guide, clause.id)`; the book
    names the clauses and programmes that are linked. A route shows it to whoever prefers `text/html`.
    """
    return _PAGES.get_template("clause.html").render(sheet=clause_sheet(clause, book), cited_by=cited_by)


def programme_page(programme: ProgrammeAnswer, told_in: Sequence[ArticleHead], *, book: PolicyBook) -> str:
    """Return a programme as a page: each version's amount, conditions and warnings, the newest first.

    `programme` is `policy.service.programme(book, …)`, `told_in` is `guide.service.told_in(guide, programme.id)`; the
    book words facts and clauses. A route shows it to whoever prefers `text/html`.
    """
    return _PAGES.get_template("programme.html").render(sheet=programme_sheet(programme, book), told_in=told_in)
