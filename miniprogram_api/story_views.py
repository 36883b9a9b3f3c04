"""The story of one award as it is shown: names masked, and every step in words."""

from datetime import date, datetime
from typing import Any, Self
from uuid import UUID

from miniprogram_api.clawback_views import ClawbackView
from miniprogram_api.reading import Body
from miniprogram_api.referrals import SchoolView
from miniprogram_api.story_money import MoneyView, PaymentView
from miniprogram_api.story_rules import ClauseView, RuleView
from miniprogram_api.words import Words
from server.awards import book
from server.awards.models import AwardState, Objection, ObjectionState
from server.funds.models import Fund, FundPaper, PaperKind
from server.kernel.sensitive import Sensitive, if_readable
from server.referrals import sealed
from server.referrals.models import Referral
from server.statements.story import Act, By, Story
from server.students.sealed import number_of


class SentView(Body):
    """The claim from which the award follows; the student is masked, and null what cannot be read."""

    number: str
    school: SchoolView
    year: int
    student_name: Sensitive | None
    student_number: Sensitive | None
    guardian_consent_on: date | None
    registered_at: datetime
    enrolled_at: SchoolView | None
    entered_on: date | None

    @classmethod
    def of(cls, row: Referral) -> Self:
        """Return the view of a claim that was fetched with school, student and enrolment."""
        enrolled = row.enrolment
        return cls(
            number=row.number,
            school=SchoolView.of(row.school),
            year=row.year,
            student_name=if_readable(sealed.name_of, row),
            student_number=if_readable(number_of, row.student),
            guardian_consent_on=row.guardian_consent_on,
            registered_at=row.created_at,
            enrolled_at=SchoolView.of(enrolled.school) if enrolled else None,
            entered_on=enrolled.entered_on if enrolled else None,
        )


class PaperView(Body):
    """A paper on which the fund stands."""

    kind: PaperKind
    year: int | None
    title: str
    number: str
    issuer: str
    issued_on: date
    payer: str | None

    @classmethod
    def of(cls, row: FundPaper) -> Self:
        """Return the view of a paper that was fetched with its payer."""
        more: dict[str, Any] = {"payer": row.payer.name if row.payer else None}
        return cls(**more, **{name: getattr(row, name) for name in cls.model_fields if name not in more})


class PaidFromView(Body):
    """The fund, its clause, and the papers on file when the award was approved, or today."""

    name: str
    clause: ClauseView | None
    papers: list[PaperView]

    @classmethod
    def of(cls, fund: Fund, papers: list[PaperView]) -> Self:
        """Return the view of a fund."""
        found = book.in_force()
        clause = ClauseView.of(found, fund.clause) if fund.clause in found.clauses else None
        return cls(name=fund.name, clause=clause, papers=papers)


class ObjectionStoryView(Body):
    """That somebody objected, and what came of it; who and why is not part of the story."""

    state: ObjectionState
    of_school: bool
    created_at: datetime
    decided_at: datetime | None
    decision: str

    @classmethod
    def of(cls, row: Objection) -> Self:
        """Return the view of an objection."""
        names = ("state", "created_at", "decided_at", "decision")
        return cls(of_school=row.award_id is None, **{name: getattr(row, name) for name in names})


class PublishedView(Body):
    """When the school's figures were public, first and last day included."""

    starts_on: date
    ends_on: date
    objections: list[ObjectionStoryView]


class StepView(Body):
    """One thing that was done; `text` says it in words. Who it was (`actor_id`) the secretariat alone sees."""

    subject: str
    action: str
    text: str
    before: str
    after: str
    by: By
    by_text: str
    actor_id: UUID | None
    reason: str
    at: datetime

    @classmethod
    def of(cls, act: Act, words: Words, *, staff: bool) -> Self:
        """Return the view of an act; what others wrote of a claim is not for its school."""
        entry = act.entry
        same = ("subject", "action", "before", "after")
        return cls(
            text=words.acts.get(entry.action, entry.action),
            by=act.by,
            by_text=words.hands[act.by],
            actor_id=entry.actor_id if staff else None,
            reason=_reason(act, words, staff=staff),
            at=entry.made_at,
            **{name: getattr(entry, name) for name in same},
        )


def _reason(act: Act, words: Words, *, staff: bool) -> str:
    """Return why something was done, in words also where the system itself left but a code."""
    entry = act.entry
    if not staff and act.by is By.OTHER:
        return ""
    codes = (words.doubts[code] for code in entry.fields if code in words.doubts)
    return words.doubts.get(entry.reason, entry.reason) or "；".join(codes)


class StoryView(Body):
    """One award from its rule to its receipt; everything that was ever done to it, in the order of time.

    `rule` is null where its programme is not in the book any more, `sent` where it follows from a stated `matter`.
    `back_fen` is how much of what was paid the payee gave back, or had kept back.
    """

    id: UUID
    payee: SchoolView
    year: int
    matter: str
    amount_fen: int
    back_fen: int
    state: AwardState
    state_since: datetime
    exception: str
    rule: RuleView | None
    sent: SentView | None
    paid_from: PaidFromView | None
    published: PublishedView | None
    steps: list[StepView]
    payments: list[PaymentView]
    money: list[MoneyView]
    clawbacks: list[ClawbackView]
    made_at: datetime

    @classmethod
    def of(cls, story: Story, words: Words, made_at: datetime, *, staff: bool) -> Self:
        """Return the view of a story for the secretariat, or for the payee."""
        award = story.award
        papers = [PaperView.of(one) for one in story.papers]
        more: dict[str, Any] = {
            "payee": SchoolView.of(award.payee),
            "back_fen": sum(one.recovered_fen + one.offset_fen for one in story.clawbacks),
            "exception": award.exception_reason if staff else "",
            "rule": RuleView.of(award, staff=staff) if award.programme in book.in_force().programmes else None,
            "sent": SentView.of(story.referral) if story.referral else None,
            "paid_from": PaidFromView.of(award.fund, papers) if award.fund else None,
            "published": _published(story),
            "steps": [StepView.of(act, words, staff=staff) for act in story.acts],
            "payments": [PaymentView.of(line) for line in story.lines],
            "money": [MoneyView.of(row) for row in story.money],
            "clawbacks": [ClawbackView.of(one, words, staff=staff) for one in story.clawbacks],
            "made_at": made_at,
        }
        return cls(**more, **{name: getattr(award, name) for name in cls.model_fields if name not in more})


def _published(story: Story) -> PublishedView | None:
    made = story.award.publication
    if made is None:
        return None
    objections = [ObjectionStoryView.of(one) for one in story.objections]
    return PublishedView(starts_on=made.starts_on, ends_on=made.ends_on, objections=objections)
