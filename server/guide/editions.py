"""An edition of the guide: its articles, and one leaflet for each kind of reader."""

from datetime import date
from typing import Annotated

from pydantic import Field

from server.kernel.content import Content
from server.policy.programmes import Audience


class Cautions(Content):
    """What must be said at the beginning of a page that gives a figure which no current Anqing document has."""

    unconfirmed: str
    other_city: str


class EditionText(Content):
    """`edition.yaml`: what all pages of an edition share."""

    edition: str
    title: str
    intro: str
    publisher: str
    sections: Annotated[tuple[str, ...], Field(min_length=1)]
    """The headings of every article, in this order."""
    longest_article: Annotated[int, Field(gt=0)]
    """How many Chinese characters the text of an article may have."""
    cautions: Cautions
    audiences: dict[Audience, str]
    contents: tuple[str, ...]
    """The articles in reading order."""
    notice: str
    """The note at the foot of every page."""


class FrontMatter(Content):
    """The head of an article or leaflet. `answer` says it all in one sentence."""

    title: str
    audience: Audience
    answer: str
    updated_on: date
    recheck_by: date


class Citation(Content):
    """A clause that a page rests on."""

    clause: str
    label: str
    title: str
    href: str


class Page(FrontMatter):
    """A page ready to be shown. `html` is the body; `clauses` and `programmes` are the ids it refers to."""

    edition: str
    edition_title: str
    publisher: str
    audience_label: str
    notice: str
    html: str
    clauses: tuple[str, ...]
    programmes: tuple[str, ...]
    citations: tuple[Citation, ...]


class Article(Page):
    """One subject for one kind of reader."""

    slug: str


class Leaflet(Page):
    """The printable page (明白纸) for one kind of reader."""


class ArticleHead(Content):
    """An article as a list shows it."""

    edition: str
    slug: str
    title: str
    audience: Audience
    answer: str


class EditionHead(Content):
    """An edition as a list shows it."""

    edition: str
    title: str
    intro: str


class Edition(EditionHead):
    """An edition with its articles and the readers for whom there is a leaflet; `audiences` names the readers."""

    publisher: str
    audiences: dict[Audience, str]
    notice: str
    articles: tuple[ArticleHead, ...]
    leaflets: tuple[Audience, ...]
