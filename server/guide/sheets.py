"""What the pages of a clause and of a programme show: answers of the rules put in a reader's order, with links."""

from dataclasses import dataclass

from server.guide.editions import Citation
from server.guide.references import address
from server.kernel.dates import PolicyDate
from server.policy.answers import AmountAnswer, ClauseAnswer, ConditionAnswer, ProgrammeAnswer, WarningAnswer
from server.policy.book import PolicyBook
from server.policy.documents import Standing
from server.policy.telling import value_text


@dataclass(frozen=True, slots=True)
class Link:
    """Where to read on."""

    title: str
    href: str


@dataclass(frozen=True, slots=True)
class ClauseSheet:
    """A clause with what governs it now, what it narrowed, and the programmes that follow from it.

    `caution` is empty where the document is current or a later clause is named that governs.
    """

    clause: ClauseAnswer
    caution: str
    governed_by: tuple[Citation, ...]
    narrows: tuple[Citation, ...]
    programmes: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class AmountLine:
    """One amount: for which answers (`国家级`; empty where there is but one), and how much."""

    when: str
    text: str


@dataclass(frozen=True, slots=True)
class VersionSheet:
    """One version of a programme."""

    starts: PolicyDate
    ends: PolicyDate
    payer: str | None
    payee: str | None
    amounts: tuple[AmountLine, ...]
    conditions: tuple[str, ...]
    warnings: tuple[WarningAnswer, ...]
    citation: Citation


@dataclass(frozen=True, slots=True)
class ProgrammeSheet:
    """A programme, the newest version first. `warnings` are those of every version, without the one in `caution`."""

    programme: ProgrammeAnswer
    caution: str
    versions: tuple[VersionSheet, ...]
    warnings: tuple[WarningAnswer, ...]


def edition_address(edition: str) -> str:
    """Return where the front door of an edition is."""
    return f"/api/v1/guide/{edition}"


def article_address(edition: str, slug: str) -> str:
    """Return where an article is read."""
    return f"{edition_address(edition)}/articles/{slug}"


def leaflet_address(edition: str, audience: str) -> str:
    """Return where a leaflet is read."""
    return f"{edition_address(edition)}/leaflet?audience={audience}"


def programme_address(programme: str) -> str:
    """Return where a programme is read."""
    return f"/api/v1/programmes/{programme}"


def citation(book: PolicyBook, clause: str) -> Citation:
    """Return how a clause that is known to exist is cited."""
    return Citation(clause=clause, label=book.label(clause), title=book.clauses[clause].title, href=address(clause))


def clause_sheet(clause: ClauseAnswer, book: PolicyBook) -> ClauseSheet:
    """Return a clause as its page shows it."""
    return ClauseSheet(
        clause=clause,
        caution="" if clause.governed_by else _caution(clause.policy.standing, book),
        governed_by=tuple(citation(book, other) for other in clause.governed_by),
        narrows=tuple(citation(book, other) for other in clause.narrows),
        programmes=tuple(Link(book.programmes[name].title, programme_address(name)) for name in clause.programmes),
    )


def programme_sheet(programme: ProgrammeAnswer, book: PolicyBook) -> ProgrammeSheet:
    """Return a programme as its page shows it."""
    versions = list(dict.fromkeys(amount.version for amount in reversed(programme.amounts)))
    return ProgrammeSheet(
        programme=programme,
        caution=_caution(programme.standing, book),
        versions=tuple(_version(programme, version, book) for version in versions),
        warnings=tuple(w for w in programme.warnings if w.version is None and w.code != programme.standing),
    )


def _version(programme: ProgrammeAnswer, version: str, book: PolicyBook) -> VersionSheet:
    amounts = [amount for amount in programme.amounts if amount.version == version]
    first = amounts[0]
    return VersionSheet(
        starts=first.starts,
        ends=first.ends,
        payer=first.payer,
        payee=first.payee,
        amounts=tuple(AmountLine(_when(amount, book), amount.text) for amount in amounts),
        conditions=tuple(_need(condition) for condition in programme.conditions if condition.version == version),
        warnings=tuple(warning for warning in programme.warnings if warning.version == version),
        citation=citation(book, first.clause),
    )


def _need(condition: ConditionAnswer) -> str:
    """Return a condition as a sentence; one that must simply hold needs no answer beside it."""
    return condition.text if condition.needed.value is True else f"{condition.text}：{condition.needed.text}"


def _when(amount: AmountAnswer, book: PolicyBook) -> str:
    vocabulary = book.vocabulary
    return "、".join(value_text(value, vocabulary.fact(name), vocabulary) for name, value in amount.when.items())


def _caution(standing: Standing, book: PolicyBook) -> str:
    return "" if standing == "current" else str(getattr(book.vocabulary.warnings, standing))
