"""What the search covers: the newest edition's articles, all programmes and all clauses, current ones first."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from typing import Literal

from server.guide.editions import Article
from server.guide.references import address
from server.guide.search import Index, snippet
from server.guide.service import Guide, editions
from server.guide.sheets import article_address, programme_address
from server.kernel.content import Content
from server.policy.answers import ProgrammeAnswer
from server.policy.book import PolicyBook
from server.policy.documents import Clause, Standing
from server.policy.service import programmes

FoundKind = Literal["article", "programme", "clause"]

_KINDS: tuple[FoundKind, ...] = ("article", "programme", "clause")
_STANDINGS: tuple[Standing, ...] = ("current", "unconfirmed", "other_city")
_INLINE = re.compile(r"</?(?:a|em|strong|code)\b[^>]*>")
_TAG = re.compile(r"<[^>]+>")


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to find. `label` says where it stands, `standing` is None for an article."""

    kind: FoundKind
    id: str
    label: str
    href: str
    standing: Standing | None
    title: str
    text: str


class Hit(Content):
    """One find. `id` is an article's slug, a programme's or a clause's id; `href` is where it is read.

    `snippet` is HTML with no tag but `<mark>`, which stands around what was asked for; `<`, `>` and `&` are escaped.
    """

    kind: FoundKind
    id: str
    title: str
    snippet: str
    label: str
    href: str
    standing: Standing | None


def index(guide: Guide, book: PolicyBook) -> Index[Entry]:
    """Return the index of everything; it tells finds in titles first, then articles, programmes, clauses."""
    return Index(sorted(_entries(guide, book), key=_rank))


def hit(entry: Entry, question: str) -> Hit:
    """Return a find as it is told."""
    return Hit(
        kind=entry.kind,
        id=entry.id,
        title=entry.title,
        snippet=snippet(entry.title, entry.text, question),
        label=entry.label,
        href=entry.href,
        standing=entry.standing,
    )


def _rank(entry: Entry) -> tuple[int, int]:
    """Order by kind and then by standing; what is alike keeps the content's order."""
    return _KINDS.index(entry.kind), _STANDINGS.index(entry.standing or "current")


def _entries(guide: Guide, book: PolicyBook) -> Iterator[Entry]:
    newest = [head.edition for head in editions(guide)[:1]]
    yield from (_article(article) for article in guide.articles.values() if article.edition in newest)
    yield from (_programme(programme, book) for programme in programmes(book))
    yield from (_clause(clause, book) for clause in book.clauses.values())


def _article(article: Article) -> Entry:
    return Entry(
        kind="article",
        id=article.slug,
        label=f"{article.edition_title} · {article.audience_label}",
        href=article_address(article.edition, article.slug),
        standing=None,
        title=article.title,
        text=_plain(f"<p>{article.answer}</p>{article.html}"),
    )


def _programme(programme: ProgrammeAnswer, book: PolicyBook) -> Entry:
    """Gather what a programme's page says; what several versions say alike is there once."""
    parts: list[str | None] = [programme.payer, programme.payee]
    for amount in programme.amounts:
        parts += [amount.text, amount.payer, amount.payee, book.label(amount.clause)]
    parts += [f"{condition.text}：{condition.needed.text}" for condition in programme.conditions]
    parts += [warning.text for warning in programme.warnings]
    parts += [text for decision in programme.decisions for text in (decision.question, decision.reading)]
    return Entry(
        kind="programme",
        id=programme.id,
        label=book.label(programme.amounts[-1].clause),
        href=programme_address(programme.id),
        standing=programme.standing,
        title=programme.title,
        text=" ".join(dict.fromkeys(part for part in parts if part)),
    )


def _clause(clause: Clause, book: PolicyBook) -> Entry:
    label = book.label(clause.id)
    return Entry(
        kind="clause",
        id=clause.id,
        label=label,
        href=address(clause.id),
        standing=book.policy_of(clause.id).standing,
        title=clause.title,
        text=f"{clause.summary} {clause.heading} {label}",
    )


def _plain(body: str) -> str:
    """Return HTML of our own making as running text."""
    return " ".join(unescape(_TAG.sub(" ", _INLINE.sub("", body))).split())
