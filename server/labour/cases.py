"""Worked cases of the rules of fair postings: what is posted, and everything that is to be said of it."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from server.kernel.content import Content, ContentError, read
from server.kernel.dates import UNKNOWN, PolicyDate
from server.labour import rules
from server.labour.drafts import Draft
from server.labour.rulebook import Rulebook
from server.labour.wages import MinimumWages, Notice, Place, Standard


class Supposed(Content):
    """A minimum wage that cases suppose: no real one."""

    region: str
    effective_from: PolicyDate
    monthly_fen: int
    hourly_fen: int


class Case(Content):
    """One posting, a base one with other fields, and all findings as `field code`, in any order."""

    name: str
    of: str
    fields: Annotated[dict[str, Any], Field(default_factory=dict)]
    minimum_known: bool = True
    finds: tuple[str, ...] = ()
    hourly_fen: int | None = None
    """What the pay comes to in an hour, where the case is about that."""


class Cases(Content):
    """`content/labour/cases.yaml`, all on one day."""

    note: str
    on: date
    supposed: Supposed
    bases: dict[str, dict[str, Any]]
    cases: tuple[Case, ...]

    def draft(self, case: Case) -> Draft:
        """Return what is posted in a case."""
        return Draft.model_validate({**self.bases[case.of], **case.fields})

    def book(self, case: Case, book: Rulebook) -> Rulebook:
        """Return the rules as a case supposes them."""
        supposed = self.supposed
        standard = Standard(
            effective_from=supposed.effective_from,
            monthly_fen=supposed.monthly_fen,
            hourly_fen=supposed.hourly_fen,
            notice=Notice(title=self.note, number=None, issued_on=UNKNOWN),
        )
        places = (Place(region=supposed.region, name=supposed.region, standards=(standard,)),)
        known = places if case.minimum_known else ()
        return book.supposing(MinimumWages(source=self.note, note=self.note, regions=known))


def load(content_dir: Path) -> Cases:
    """Return `labour/cases.yaml`; raises ContentError, also for a posting that cannot be."""
    path = content_dir / "labour" / "cases.yaml"
    cases = read(Cases, path)
    if faults := [f"{path}: {fault}" for fault in _faults(cases)]:
        raise ContentError(faults)
    return cases


def _faults(cases: Cases) -> Iterator[str]:
    for case in cases.cases:
        try:
            cases.draft(case)
        except KeyError:
            yield f"{case.name}: {case.of} is no base"
        except ValidationError as error:
            yield from (f"{case.name}: {fault['loc']}: {fault['msg']}" for fault in error.errors(include_url=False))


def faults(cases: Cases, book: Rulebook) -> Iterator[str]:
    """Yield each case that comes out otherwise, and each rule that none shows."""
    shown = set[str]()
    for case in cases.cases:
        shown |= {find.split()[1] for find in case.finds}
        yield from (f"{case.name}: {fault}" for fault in differences(cases, case, book))
    yield from (f"no case shows {code}" for code in sorted(set(book.statutes.rules) - shown))


def differences(cases: Cases, case: Case, book: Rulebook) -> Iterator[str]:
    """Yield how one case comes out otherwise than it says."""
    draft, supposed = cases.draft(case), cases.book(case, book)
    finds = sorted(f"{one.field} {one.code}" for one in rules.findings(draft, supposed, cases.on))
    if finds != sorted(case.finds):
        yield f"finds {finds}, not {sorted(case.finds)}"
    hourly = rules.hourly_fen(draft, supposed)
    if case.hourly_fen is not None and (hourly is None or hourly.fen != case.hourly_fen):
        yield f"comes to {hourly and hourly.fen} fen an hour, not {case.hourly_fen}"
