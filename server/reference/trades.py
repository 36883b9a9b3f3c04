"""Groups of majors (专业群) and occupations, each with the clause it comes from and that clause's date."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

from pydantic import Field

from server.kernel.content import Content
from server.kernel.dates import PolicyDate
from server.policy.book import PolicyBook

OccupationKind = Literal["industry", "short_term"]


class Named(Content):
    """A clause that names a group of majors, and the words it uses."""

    clause: str
    words: str


class Major(Content):
    """One group of majors; `named` begins with the clause that sets it up."""

    id: str
    name: str
    named: Annotated[tuple[Named, ...], Field(min_length=1)]


class Majors(Content):
    """`content/reference/majors.yaml`."""

    note: str
    majors: tuple[Major, ...]


class Occupation(Content):
    """One occupation: `industry` belongs to a group of majors, `short_term` is seasonal or temporary work."""

    id: str
    title: str
    kind: OccupationKind
    major: str | None = None
    """Id of the group of majors that leads to it; None where none does."""
    season: str | None = None
    """When it is usually sought; None where the whole year."""


class Basis(Content):
    """What a kind of occupations rests on, and what it does not claim."""

    clause: str
    compiled_on: PolicyDate
    note: str


class Occupations(Content):
    """`content/reference/occupations.yaml`."""

    basis: dict[OccupationKind, Basis]
    occupations: tuple[Occupation, ...]


class Cited(Content):
    """A clause as the source of an entry. `as_of` is its document's date, as far as that is known."""

    clause: str
    label: str
    as_of: PolicyDate


class CitedWords(Cited):
    """The same, with the words used there."""

    words: str


class MajorAnswer(Content):
    """One group of majors with every clause that names it, the one that sets it up first."""

    id: str
    name: str
    sources: tuple[CitedWords, ...]
    note: str


class OccupationAnswer(Occupation):
    """One occupation. `source` is the clause that asks for such work; `compiled_on` is when we listed it."""

    source: Cited
    compiled_on: PolicyDate
    note: str


def faults_of_majors(majors: Majors, book: PolicyBook) -> Iterator[str]:
    """Yield ids given twice and clauses that are nowhere."""
    yield from _twice(major.id for major in majors.majors)
    for major in majors.majors:
        yield from (f"{major.id}: clause {n.clause} is nowhere" for n in major.named if n.clause not in book.clauses)


def faults_of_occupations(occupations: Occupations, majors: Majors, book: PolicyBook) -> Iterator[str]:
    """Yield ids given twice, kinds without a basis, and majors or clauses that are nowhere."""
    yield from _twice(occupation.id for occupation in occupations.occupations)
    known = {major.id for major in majors.majors}
    for kind, basis in occupations.basis.items():
        if basis.clause not in book.clauses:
            yield f"{kind}: clause {basis.clause} is nowhere"
    for occupation in occupations.occupations:
        if occupation.kind not in occupations.basis:
            yield f"{occupation.id}: nothing is said of the basis of {occupation.kind}"
        if occupation.major not in {None, *known} or (occupation.kind == "industry" and not occupation.major):
            yield f"{occupation.id}: major {occupation.major} is nowhere"


def told_majors(majors: Majors, book: PolicyBook) -> tuple[MajorAnswer, ...]:
    """Return the groups of majors as they are answered."""
    return tuple(
        MajorAnswer(
            id=major.id,
            name=major.name,
            sources=tuple(CitedWords(**dict(_cited(n.clause, book)), words=n.words) for n in major.named),
            note=majors.note,
        )
        for major in majors.majors
    )


def told_occupations(occupations: Occupations, book: PolicyBook) -> tuple[OccupationAnswer, ...]:
    """Return the occupations as they are answered."""
    return tuple(
        OccupationAnswer(
            **dict(occupation),
            source=_cited(basis.clause, book),
            compiled_on=basis.compiled_on,
            note=basis.note,
        )
        for occupation in occupations.occupations
        for basis in [occupations.basis[occupation.kind]]
    )


def _cited(clause: str, book: PolicyBook) -> Cited:
    return Cited(clause=clause, label=book.label(clause), as_of=book.policy_of(clause).issued_on)


def _twice(ids: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for one in ids:
        if one in seen:
            yield f"{one} is given twice"
        seen.add(one)
