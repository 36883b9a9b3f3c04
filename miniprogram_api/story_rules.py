"""The clause and the rule from which an award follows, and what they made of its facts."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from miniprogram_api.reading import Body
from server.awards import book
from server.awards.models import Award
from server.policy.book import PolicyBook
from server.policy.facts import Value
from server.policy.programmes import Version
from server.policy.telling import needed, value_text


class ClauseView(Body):
    """A clause, and where it is read."""

    clause: str
    label: str
    title: str
    address: str

    @classmethod
    def of(cls, found: PolicyBook, clause: str) -> Self:
        """Return the view of a clause of the book."""
        policy, _, number = clause.partition("/")
        address = f"/api/v1/policies/{policy}/clauses/{number}"
        return cls(clause=clause, label=found.label(clause), title=found.clauses[clause].title, address=address)


class CheckedView(Body):
    """A condition of the rule: what it demands, what was found, and whether that was enough."""

    text: str
    needed: str
    got: Value | None
    got_text: str
    ok: bool | None
    clause: ClauseView


class RuleView(Body):
    """The rule as of the day that the award is about; `ran_by` the secretariat alone sees."""

    programme: str
    title: str
    version: str
    clause: ClauseView | None
    as_of: date
    checks: list[CheckedView]
    ran_at: datetime
    ran_by: UUID | None

    @classmethod
    def of(cls, award: Award, *, staff: bool) -> Self:
        """Return the view of what the rules said of an award, which was fetched with its run."""
        found = book.in_force()
        programme = found.programmes[award.programme]
        version = next((one for one in programme.versions if one.id == award.rule_version), None)
        return cls(
            programme=award.programme,
            title=programme.title,
            version=award.rule_version,
            clause=ClauseView.of(found, version.clause) if version else None,
            as_of=award.entered_on,
            checks=_checks(award, found, version),
            ran_at=award.created_at,
            ran_by=award.run.actor_id if staff else None,
        )


def _checks(award: Award, found: PolicyBook, version: Version | None) -> list[CheckedView]:
    conditions = {one.fact: one for one in version.conditions} if version else {}
    checked = []
    for one in award.verdict.get("checks", ()):
        condition, vocabulary = conditions.get(one["fact"]), found.vocabulary
        fact, got = vocabulary.fact(one["fact"]), one["got"]
        checked.append(
            CheckedView(
                text=condition.text if condition else one["fact"],
                needed=needed(condition, vocabulary).text if condition else "",
                got=got,
                got_text="" if got is None else value_text(got, fact, vocabulary),
                ok=one["ok"],
                clause=ClauseView.of(found, one["clause"]),
            )
        )
    return checked
