"""What states, kinds, roles and acts are called where people read them: `content/words.yaml`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from server.appeals.models import AppealState
from server.appeals.refusals import CONTESTABLE
from server.awards import making, soundness
from server.awards.models import AwardState, ClawbackState, ObjectionState, RunKind, RunState
from server.awards.models import ContestState as ClawbackContest
from server.engagements.models import ContestState, EngagementState, Party
from server.engagements.nexts import Cue
from server.enrolments.models import EnrolmentState, Intake, Level, MatchVerdict
from server.funds.models import Account, EntryKind, PaperKind
from server.imports.models import ImportState
from server.kernel.content import Content, ContentError, read
from server.labour.models import PayUnit, PostingKind, PostingState, ReportState, Side
from server.labour.reports import What
from server.notices.models import BroadcastState, DeliveryState, Service
from server.organisations.models import MembershipState, OrganisationState
from server.organisations.roles import Kind, Role
from server.referrals.counts import AGES, OLDER
from server.referrals.flags import Flag
from server.referrals.models import ReferralState
from server.referrals.timeline import Actor
from server.statements.models import Receipt, RowOutcome, StatementState
from server.statements.story import By
from server.statements.waiting import Turn, Waits
from server.students.models import LinkState, Relation

Word = Annotated[str, Field(min_length=1)]


class Words(Content):
    """What each is called in Chinese, by its name in the code."""

    states: dict[ReferralState, Word]
    enrolment_states: dict[EnrolmentState, Word]
    match_verdicts: dict[MatchVerdict, Word]
    actors: dict[Actor, Word]
    intakes: dict[Intake, Word]
    levels: dict[Level, Word]
    ages: dict[str, Word]
    kinds: dict[Kind, Word]
    organisation_states: dict[OrganisationState, Word]
    roles: dict[Role, Word]
    membership_states: dict[MembershipState, Word]
    relations: dict[Relation, Word]
    link_states: dict[LinkState, Word]
    appeal_subjects: dict[str, Word]
    appeal_states: dict[AppealState, Word]
    statement_states: dict[StatementState, Word]
    receipts: dict[Receipt, Word]
    entry_kinds: dict[EntryKind, Word]
    accounts: dict[Account, Word]
    award_states: dict[AwardState, Word]
    award_refusals: dict[str, Word]
    doubts: dict[str, Word]
    run_kinds: dict[RunKind, Word]
    run_states: dict[RunState, Word]
    import_states: dict[ImportState, Word]
    waits: dict[Waits, Word]
    paper_kinds: dict[PaperKind, Word]
    objection_states: dict[ObjectionState, Word]
    turns: dict[Turn, Word]
    hands: dict[By, Word]
    row_outcomes: dict[RowOutcome, Word]
    clawback_states: dict[ClawbackState, Word]
    clawback_contests: dict[ClawbackContest, Word]
    engagement_states: dict[EngagementState, Word]
    sides: dict[Side, Word]
    posting_kinds: dict[PostingKind, Word]
    posting_states: dict[PostingState, Word]
    pay_units: dict[PayUnit, Word]
    report_subjects: dict[What, Word]
    report_states: dict[ReportState, Word]
    broadcast_states: dict[BroadcastState, Word]
    contest_states: dict[ContestState, Word]
    parties: dict[Party, Word]
    worker_cues: dict[Cue, Word]
    poster_cues: dict[Cue, Word]
    services: dict[Service, Word]
    delivery_states: dict[DeliveryState, Word]
    delivery_refusals: dict[str, Word]
    flags: dict[str, Word]
    acts: dict[str, Word]


def load(content_dir: Path) -> Words:
    """Return the words; raises ContentError where one is missing or names nothing."""
    path = content_dir / "words.yaml"
    words = read(Words, path)
    if faults := [f"{path}: {fault}" for fault in _faults(words)]:
        raise ContentError(faults)
    return words


def _faults(words: Words) -> Iterator[str]:
    wanted = {
        "states": set[str](ReferralState),
        "enrolment_states": set[str](EnrolmentState),
        "match_verdicts": set[str](MatchVerdict),
        "actors": set[str](Actor),
        "engagement_states": set[str](EngagementState),
        "sides": set[str](Side),
        "posting_kinds": set[str](PostingKind),
        "posting_states": set[str](PostingState),
        "pay_units": set[str](PayUnit),
        "report_subjects": set[str](What),
        "report_states": set[str](ReportState),
        "broadcast_states": set[str](BroadcastState),
        "contest_states": set[str](ContestState),
        "parties": set[str](Party),
        "worker_cues": set[str](Cue),
        "poster_cues": set[str](Cue),
        "services": set[str](Service),
        "delivery_states": set[str](DeliveryState),
        "intakes": set[str](Intake),
        "levels": set[str](Level),
        "kinds": set[str](Kind),
        "organisation_states": set[str](OrganisationState),
        "roles": set[str](Role),
        "membership_states": set[str](MembershipState),
        "relations": set[str](Relation),
        "link_states": set[str](LinkState),
        "appeal_subjects": set(CONTESTABLE),
        "appeal_states": set[str](AppealState),
        "statement_states": set[str](StatementState),
        "receipts": set[str](Receipt),
        "entry_kinds": set[str](EntryKind),
        "accounts": set[str](Account),
        "award_states": set[str](AwardState),
        "award_refusals": set(making.REASONS),
        "doubts": set(soundness.DOUBTS),
        "run_kinds": set[str](RunKind),
        "run_states": set[str](RunState),
        "import_states": set[str](ImportState),
        "waits": set[str](Waits),
        "paper_kinds": set[str](PaperKind),
        "objection_states": set[str](ObjectionState),
        "turns": set[str](Turn),
        "hands": set[str](By),
        "row_outcomes": set[str](RowOutcome),
        "clawback_states": set[str](ClawbackState),
        "clawback_contests": set[str](ClawbackContest),
        "ages": {*AGES, OLDER},
        "flags": set[str](Flag),
    }
    for name, names in wanted.items():
        if wrong := set(getattr(words, name)) ^ names:
            yield f"{name}: {', '.join(sorted(wrong))} is missing or names nothing"
