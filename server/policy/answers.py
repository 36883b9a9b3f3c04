"""What the rules and documents answer with: the shapes of the answers."""

from typing import Annotated

from pydantic import Field

from server.kernel.content import Content
from server.kernel.dates import PolicyDate
from server.policy.documents import Clause, Jurisdiction, PolicyHead, Standing
from server.policy.facts import Fact, Value
from server.policy.programmes import Audience, Comparison, Decision, NamedWarning, PayeeKind, Verdict


class ClauseAnswer(Clause):
    """A clause with its document. `label` is how it is cited in Chinese; `programmes` follow from it."""

    label: str
    programmes: tuple[str, ...]
    policy: PolicyHead


class Needed(Content):
    """What a condition demands: to reckon with, and in Chinese."""

    comparison: Comparison
    value: Value | tuple[Value, ...]
    text: str


class AmountAnswer(Content):
    """One dated amount. `amount_fen` and `per` are null where the clause gives no figure; `text` always speaks.

    `quantity` is the fact that counts the units, null where there is a single one.
    """

    version: str
    starts: Annotated[PolicyDate, Field(serialization_alias="from")]
    ends: Annotated[PolicyDate, Field(serialization_alias="to")]
    amount_fen: int | None
    per: str | None
    text: str
    when: dict[str, bool | str]
    quantity: str | None
    payer: str | None
    payee: str | None
    payee_kind: PayeeKind | None
    clause: str


class ConditionAnswer(Content):
    """One condition of one version."""

    version: str
    fact: str
    needed: Needed
    text: str
    clause: str


class WarningAnswer(NamedWarning):
    """A warning; `version` is null where it holds for every version."""

    version: str | None = None


class ProgrammeAnswer(Content):
    """A programme with all its versions; `payer`, `payee` and `payee_kind` are those of the newest."""

    id: str
    title: str
    audience: Audience
    jurisdiction: Jurisdiction
    standing: Standing
    payer: str | None
    payee: str | None
    payee_kind: PayeeKind | None
    amounts: tuple[AmountAnswer, ...]
    conditions: tuple[ConditionAnswer, ...]
    warnings: tuple[WarningAnswer, ...]
    decisions: tuple[Decision, ...]


class CheckAnswer(Content):
    """One condition held against the facts; `ok` is null while `got` is missing."""

    fact: str
    needed: Needed
    got: Value | None
    ok: bool | None
    text: str
    clause: str


class ItemAnswer(Content):
    """The answer for one programme. Amounts only if eligible; no checks where no version is sure to govern.

    `total_fen` is `amount_fen` times `quantity`, both null where the units are not counted.
    """

    programme: str
    title: str
    standing: Standing
    version: str | None
    verdict: Verdict
    amount_fen: int | None
    per: str | None
    amount_text: str | None
    quantity: int | None
    total_fen: int | None
    checks: tuple[CheckAnswer, ...]
    warnings: tuple[NamedWarning, ...]


class Checked(Content):
    """`POST /programmes/check`: every programme, and the questions that can still change an answer."""

    items: tuple[ItemAnswer, ...]
    questions_left: tuple[Fact, ...]
