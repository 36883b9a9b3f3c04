"""The matrix of rights: every route called as every persona on everybody's things, compared with a table.

The table is written by hand (`tests/http/rights.yaml`); nothing here looks at what the routes state about themselves.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import yaml

from server.engagements.models import Engagement, EngagementState
from server.kernel.ids import new_id
from server.labour.models import Posting, PostingState
from server.organisations.models import Membership
from server.organisations.roles import Kind
from server.people.models import Person, PersonState
from tests.factories import make_token
from tests.harness.app import TOKEN

REFUSALS = {401: "unknown", 403: "forbidden", 404: "unseen"}
EVERYONE, NOBODYS = "everyone", "nobody's"
FEW = 8
"""As how many personas, the first ones, a route is called that is everyone's."""
FILLED_IN = {
    "edition": "2026", "slug": "feeder-school-reward", "policy_id": "aq-2024-91", "number": "15",
    "programme_id": "feeder-referral", "year": "2026",
}  # fmt: skip
"""For what lies in nobody's ownership."""
_PARAMETER = re.compile(r"<(\w+)(?::\w+)?>")


@dataclass(frozen=True)
class Route:
    """A method and its address, with parameters in braces."""

    method: str
    path: str

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"{(\w+)}", self.path)


@dataclass
class Persona:
    """Someone who calls. `memberships` are theirs; without a person they are a stranger, known by no token of ours."""

    name: str
    token: str = ""
    person_id: UUID | None = None
    memberships: Sequence[Membership] = ()

    @property
    def roles(self) -> set[str]:
        """What the table may call them."""
        posts = [(str(one.role), f"{one.role} of {one.organisation.kind}") for one in self.memberships]
        return {word for post in posts for word in post} or {"nobody"}

    @property
    def headers(self) -> dict[str, str]:
        bearer = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"X-Request-Id": "matrix", **bearer}  # the same for all, so that bodies can be compared whole


@dataclass(frozen=True)
class Thing:
    """Path arguments, and what they are to the persona who calls."""

    relation: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f" on {self.relation}" if self.relation else ""


@dataclass(frozen=True)
class Answer:
    outcome: str
    body: bytes


class Table:
    """The table as it was written."""

    def __init__(self, text: str) -> None:
        found = yaml.safe_load(text)
        self.plain = {route: kind for kind in (EVERYONE, "operator", "signed in") for route in found.get(kind, ())}
        self.by_role: dict[str, list[str]] = found.get("by role", {})
        self.by_ownership: dict[str, dict[str, dict[str, list[str]]]] = found.get("by ownership", {})

    @classmethod
    def read(cls, path: Path) -> "Table":
        return cls(path.read_text(encoding="utf-8"))

    @property
    def routes(self) -> set[str]:
        return {*self.plain, *self.by_role, *self.by_ownership}

    def expected(self, route: Route, persona: Persona, relation: str) -> str:
        """What the persona gets: `allowed`, `unknown` (401), `forbidden` (403) or `unseen` (404)."""
        kind = self.plain.get(str(route))
        if kind == EVERYONE or (kind == "operator" and persona.token == TOKEN):
            return "allowed"
        if kind == "operator" or persona.person_id is None:
            return "unknown"
        if kind == "signed in":
            return "allowed"
        if str(route) in self.by_role:
            return "allowed" if persona.roles & set(self.by_role[str(route)]) else "forbidden"
        line = self.by_ownership[str(route)].get(relation, {})
        found = (outcome for outcome in ("allowed", "forbidden") if persona.roles & set(line.get(outcome, ())))
        return next(found, "unseen")


def routes_of(app: Any) -> list[Route]:
    """Every route of an app and every method of it, HEAD aside, which is GET's."""
    return [
        Route(method, "/" + _PARAMETER.sub(r"{\1}", route.path))
        for route in app.router.routes
        for method in sorted(set(route.methods) - {"HEAD"})
    ]


def unlisted(routes: Iterable[Route], table: Table) -> list[str]:
    """What the table does not know, and what it knows that is gone."""
    return sorted({str(route) for route in routes} ^ table.routes)


def things(route: Route, persona: Persona, memberships: Sequence[Membership]) -> list[Thing]:
    """On what the route is called: on what is the persona's, on what is others', on what is not there.

    The first parameter decides whose it is; what lies within it has the same id.
    """
    plain = {name: FILLED_IN[name] for name in route.parameters if name in FILLED_IN}
    owned = [name for name in route.parameters if name not in FILLED_IN]
    if not owned:
        return [Thing("", plain)]
    others = [(NOBODYS, new_id()), *_owned[owned[0]](persona, memberships)]
    if persona.person_id is None:
        others = others[:2]  # by no token of ours anything is refused before it is known whose it is
    return [Thing(what, plain | dict.fromkeys(owned, str(one))) for what, one in others]


def _organisations(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    own = {one.organisation_id for one in persona.memberships}

    def relation(one: Membership) -> str:
        return "their own organisation" if one.organisation_id in own else "another organisation"

    one_of_each = {(relation(one), one.organisation.kind): one.organisation_id for one in memberships}
    return [(what, one) for (what, _), one in one_of_each.items()]


def _memberships(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    own = {one.organisation_id for one in persona.memberships}

    def relation(one: Membership) -> str:
        if one.person_id == persona.person_id:
            return "their own membership"
        return "a colleague's membership" if one.organisation_id in own else "a stranger's membership"

    one_of_each = {(relation(one), one.organisation_id): one.id for one in memberships}
    return [(what, one) for (what, _), one in one_of_each.items()]


def _none(_persona: Persona, _memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Of what the demo data has none; that is enough where a role alone decides."""
    return []


def _own_things(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Of what is one person's alone, everyone has one, which has that person's id."""
    people = dict.fromkeys(one.person_id for one in memberships if one.person_id != persona.person_id)
    return [("their own", one) for one in [persona.person_id] if one] + [("another's", one) for one in list(people)[:2]]


def _enrolments(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Every school that receives students has one, under its own id."""
    own = {one.organisation_id for one in persona.memberships}
    schools = [one.organisation_id for one in memberships if one.organisation.kind is Kind.VOCATIONAL_SCHOOL]
    return [(f"{'their own' if one in own else 'another'} school's enrolment", one) for one in dict.fromkeys(schools)]


def _referrals(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Every school that sends students has one, under its own id."""
    own = {one.organisation_id for one in persona.memberships}
    schools = [one.organisation_id for one in memberships if one.organisation.kind is Kind.FEEDER_SCHOOL]
    return [(f"{'their own' if one in own else 'another'} school's referral", one) for one in dict.fromkeys(schools)]


def _awards(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Every school that sends students has one, under its own id."""
    return [(what.replace("referral", "award"), one) for what, one in _referrals(persona, memberships)]


def _statements(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """One that has gone out to every school that sends students, under the school's id."""
    return [(what.replace("referral", "statement"), one) for what, one in _referrals(persona, memberships)]


def _imports(persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    """Every school has sent a list of its kind, under its own id."""
    own, schools = {one.organisation_id for one in persona.memberships}, (Kind.FEEDER_SCHOOL, Kind.VOCATIONAL_SCHOOL)
    sent = dict.fromkeys(one.organisation_id for one in memberships if one.organisation.kind in schools)
    return [(f"{'their own' if one in own else 'another'} school's import", one) for one in sent]


def _people(_persona: Persona, memberships: Sequence[Membership]) -> list[tuple[str, UUID]]:
    return [("a person", memberships[0].person_id)]


_owned = {"organisation_id": _organisations, "membership_id": _memberships, "person_id": _people,
    "referral_id": _referrals, "enrolment_id": _enrolments, "import_id": _imports, "student_id": _none,
    "appeal_id": _own_things, "link_id": _own_things, "consent_id": _own_things, "posting_id": _own_things,
    "report_id": _none, "list_id": _none, "engagement_id": _own_things, "search_id": _own_things,
    "notice_id": _own_things, "delivery_id": _none, "broadcast_id": _none, "award_id": _awards, "run_id": _none,
    "fund_id": _none, "statement_id": _statements, "publication_id": _none, "sample_id": _none, "objection_id": _none,
}  # fmt: skip
"""Parameter -> what is called with it. A parameter that is missing here and in `FILLED_IN` stops the matrix."""


def different(personas: Sequence[Persona]) -> list[Persona]:
    """The first of each of those who have the same roles in organisations of the same kinds; strangers all differ."""
    found: dict[object, Persona] = {}
    for one in personas:
        found.setdefault(frozenset(one.roles) if one.person_id else one.name, one)
    return list(found.values())


async def faults(
    client: aiohttp.ClientSession,
    routes: Iterable[Route],
    table: Table,
    personas: Sequence[Persona],
    memberships: Sequence[Membership],
) -> list[str]:
    """Call everything, and return every answer that is not what the table says."""
    found = []
    for route in routes:
        for persona in personas[: FEW if table.plain.get(str(route)) == EVERYONE else None]:
            unseen = set()
            for thing in things(route, persona, memberships):
                expected = table.expected(route, persona, thing.relation)
                if expected == "allowed" and thing.relation == NOBODYS:
                    continue  # whoever may act on all of them is told that there is none
                answer = await _call(client, route, persona, thing)
                if answer.outcome != expected:
                    found.append(f"{route} as {persona.name}{thing}: {answer.outcome}, not {expected}")
                elif answer.outcome == "unseen":
                    unseen.add(answer.body)
            if len(unseen) > 1:
                found.append(f"{route} as {persona.name}: what is hidden and what is not there answer differently")
    return found


async def _call(client: aiohttp.ClientSession, route: Route, persona: Persona, thing: Thing) -> Answer:
    """Call once and put right what it ended, so that the next call finds everything as it was."""
    path = route.path.format(**thing.arguments)
    async with client.request(route.method, path, headers=persona.headers) as response:
        answer = Answer(_outcome(response), await response.read())
    if route.method == "DELETE" and answer.outcome == "allowed" and persona.person_id:
        await Membership.filter(id=thing.arguments.get("membership_id", new_id())).update(ended_at=None)
        await Person.filter(id=persona.person_id).update(state=PersonState.ACTIVE)
        persona.token = await make_token(persona.person_id)
    if "engagement_id" in thing.arguments and answer.outcome == "allowed":
        await Engagement.filter(id=thing.arguments["engagement_id"]).update(state=EngagementState.APPLIED)
    if "posting_id" in thing.arguments and answer.outcome == "allowed":
        await Posting.filter(id=thing.arguments["posting_id"]).update(state=PostingState.LIVE)
    return answer


def _outcome(response: aiohttp.ClientResponse) -> str:
    """What came of the permission: it is asked first of all, so any other refusal means that it was given."""
    assert response.status not in {405, 429}, response.url
    assert response.status < 500, response.url
    return REFUSALS.get(response.status, "allowed")
