"""What is looked at before a reviewer sees a posting: what is missing, what the rules find, what WeChat reads."""

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from server.kernel.errors import DomainError, FieldFault, invalid
from server.labour import posters
from server.labour.drafts import Draft
from server.labour.models import PostingKind, Side, Supplier
from server.labour.ports import Texts
from server.people import service as people

FORUM = 3
"""WeChat's name for where the text is read."""
WECHAT_READS = 2500
TEXTS = ("title", "requirements", "description", "deductions", "insurance", "address", "source")
"""What is written freely, and said to be wrong only once it is submitted."""
SPOKEN = ("title", "requirements", "description", "deductions")
_SAID_OF_ALL = ("title", "region", "headcount", "starts_on", "valid_until")
_SAID_OF_DEMAND = ("occupation", "address", "description", "pay_fen", "pay_unit", "settlement")
_REFUSE = "refuse"


class Finding(Protocol):
    """What the rules found in a field; `level` is `refuse`, `warn` or `review`, `facts` are filled into the words."""

    @property
    def field(self) -> str:
        """A field of the draft."""

    @property
    def code(self) -> str:
        """Its sentence in `content/problems.yaml`."""

    @property
    def level(self) -> str:
        """How grave it is."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What the sentence tells."""

    @property
    def source(self) -> str:
        """What the rule rests on."""


class Rules(Protocol):
    """The rules of fair postings as they stand in content."""

    def findings(self, draft: Draft) -> Sequence[Finding]:
        """Return what is to be said of a draft today."""

    def hourly_fen(self, draft: Draft) -> int | None:
        """Return what the pay comes to in an hour, None where that cannot be said."""


@dataclass(frozen=True, slots=True)
class Read:
    """What WeChat said of the fields of one version of a posting."""

    version: int
    risky: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


async def told(draft: Draft, person_id: UUID, rules: Rules) -> Sequence[Finding]:
    """Return what the rules find; of a student's or team's own offer they are told the age of who offers.

    Raises DomainError 409 where that is not known or too low, 422 where it says where they live.
    """
    if draft.supplier in {Supplier.STUDENT, Supplier.TEAM}:
        posters.require_placeless(draft.address, draft.latitude, draft.longitude)
        age = await posters.age_of(person_id)
        draft = draft.with_fields({"age_min": min(age, draft.age_min or age)})
    return rules.findings(draft)


def require_sense(draft: Draft, findings: Iterable[Finding], let_be: Container[str] = ()) -> None:
    """Raise DomainError 422 for values given that no posting may have, such as an end before the beginning.

    What is wrong with its texts, in fields that are to be `let_be`, or missing, is said when it is submitted.
    """
    faults = [(one.pointer.split("/")[1], one) for one in refusals(findings)]
    faults = [(name, one) for name, one in faults if name not in TEXTS and name not in let_be]
    if given := [one for name, one in faults if getattr(draft, name, None) is not None]:
        raise invalid(*given)


def require_publishable(draft: Draft, findings: Iterable[Finding], read: Read, *, has_contact: bool) -> None:
    """Raise DomainError 422 with every field that is missing, that the rules refuse, or that WeChat finds risky."""
    missing = [FieldFault(f"/{name}", "missing") for name in _missing(draft)]
    if draft.side is Side.DEMAND and not has_contact:
        missing.append(FieldFault("/contact", "missing"))
    said = {fault.pointer for fault in missing}
    refused = [fault for fault in refusals(findings) if fault.pointer not in said]
    risky = [FieldFault(f"/{name}", "text_risky") for name in read.risky]
    if faults := [*missing, *refused, *risky]:
        raise invalid(*faults)


def refusals(findings: Iterable[Finding]) -> list[FieldFault]:
    """Return what must be changed, field by field."""
    return [
        FieldFault(f"/{finding.field}", finding.code, dict(finding.facts))
        for finding in findings
        if finding.level == _REFUSE
    ]


def kept(findings: Iterable[Finding], read: Read) -> list[dict[str, Any]]:
    """Return as JSON what poster and reviewer are shown."""
    found = [
        {"field": one.field, "code": one.code, "level": str(one.level), "facts": dict(one.facts), "source": one.source}
        for one in findings
    ]
    doubtful = {"code": "text_doubtful", "level": "review", "facts": {}, "source": ""}
    return found + [{"field": name, **doubtful} for name in read.doubtful]


async def read(draft: Draft, version: int, person_id: UUID, texts: Texts) -> Read:
    """Let WeChat read what a person wrote; where it gives no verdict, a reviewer has to. Not inside a transaction."""
    openid = (await people.person(person_id)).openid
    spoken = {name: text for name in SPOKEN if (text := getattr(draft, name)).strip()}
    worst = await asyncio.gather(*(_worst(text, openid, texts) for text in spoken.values()))
    verdicts = dict(zip(spoken, worst, strict=True))
    risky = tuple(name for name, verdict in verdicts.items() if verdict == "risky")
    return Read(version, risky, tuple(name for name, verdict in verdicts.items() if verdict not in {"risky", "pass"}))


async def _worst(text: str, openid: str, texts: Texts) -> str:
    verdicts = [await _verdict(text[at : at + WECHAT_READS], openid, texts) for at in range(0, len(text), WECHAT_READS)]
    return next((one for one in ("risky", "review", "unchecked") if one in verdicts), "pass")


async def _verdict(text: str, openid: str, texts: Texts) -> str:
    try:
        return (await texts.check_text(openid, text, FORUM)).suggestion
    except DomainError:
        return "unchecked"


def _missing(draft: Draft) -> list[str]:
    names = list(_SAID_OF_ALL)
    if draft.side is Side.DEMAND:
        names += _SAID_OF_DEMAND
        names += [] if draft.kind is PostingKind.JOB else ["ends_on"]
    return [name for name in names if not str(getattr(draft, name) or "").strip()]
