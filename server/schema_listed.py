"""What the database must hold beyond Tortoise's tables, listed: `server.schema_objects` makes it."""

from dataclasses import dataclass

APPEND_ONLY = (
    "event",
    "audit_entry",
    "audit_seal",
    "enrolment_status",
    "referral_decision",
    "posting_version",
    "engagement_step",
    "permission_entry",
    "ledger_entry",
    "award_run_row",
    "award_sample",
    "award_decider",
    "publication_figure",
    "statement_row",
    "statement_result",
    "statement_approval",
)
"""Tables whose rows are never changed or deleted, whoever asks."""


@dataclass(frozen=True, slots=True)
class PartialIndex:
    """An index over the rows that `where` names; both dialects spell it alike."""

    name: str
    table: str
    columns: str
    where: str
    unique: bool = False

    @property
    def sql(self) -> str:
        """The statement that makes it where it is not there yet."""
        kind = "UNIQUE INDEX" if self.unique else "INDEX"
        return f"CREATE {kind} IF NOT EXISTS {self.name} ON {self.table} ({self.columns}) WHERE {self.where}"


@dataclass(frozen=True, slots=True)
class Rule:
    """What is true of every row of a table, whoever writes it. `holds` calls the row `new`."""

    name: str
    table: str
    holds: str


@dataclass(frozen=True, slots=True)
class Fixed:
    """Columns of a table that stay as they are once `since` is true of the row, which it calls `old`."""

    name: str
    table: str
    since: str
    columns: tuple[str, ...]

    @property
    def broken(self) -> str:
        """What is true of a change that touches them; both dialects spell it alike."""
        touched = " OR ".join(f"new.{column} IS DISTINCT FROM old.{column}" for column in self.columns)
        return f"{self.since} AND ({touched})"


LIVE_REFERRAL = "('registered', 'matched', 'confirmed')"
_PAYABLE = "state NOT IN ('refused', 'cancelled')"
_OWED = "state IN ('requested', 'approved', 'demanded', 'partly')"
_STANDS = "state NOT IN ('rejected', 'closed')"
PARTIAL_INDEXES = (
    PartialIndex("job_schedule_once", "job", "kind, due_at", "due_at IS NOT NULL", unique=True),
    PartialIndex("job_claimable", "job", "claimable_at", "claimable_at IS NOT NULL"),
    PartialIndex("membership_once", "membership", "organisation_id, person_id", "ended_at IS NULL", unique=True),
    PartialIndex(
        "organisation_code_once", "organisation", "credit_code", f"credit_code IS NOT NULL AND {_STANDS}", unique=True
    ),
    PartialIndex(
        "organisation_school_once", "organisation", "school_code", f"school_code IS NOT NULL AND {_STANDS}", unique=True
    ),
    PartialIndex("payee_account_pending", "payee_account", "organisation_id", "state = 'pending'", unique=True),
    PartialIndex("payee_account_confirmed", "payee_account", "organisation_id", "state = 'confirmed'", unique=True),
    PartialIndex("student_link_once", "student_link", "person_id, student_id", "ended_at IS NULL", unique=True),
    PartialIndex("referral_live_once", "referral", "student_id, year", f"state IN {LIVE_REFERRAL}", unique=True),
    PartialIndex(
        "referral_school_once", "referral", "school_id, student_id, year", "state <> 'withdrawn'", unique=True
    ),
    PartialIndex("posting_newest", "posting", "side, published_at, id", "state = 'live'"),
    PartialIndex("posting_newest_there", "posting", "side, region, published_at, id", "state = 'live'"),
    PartialIndex("posting_soonest", "posting", "side, starts_on, id", "state = 'live'"),
    PartialIndex("posting_soonest_there", "posting", "side, region, starts_on, id", "state = 'live'"),
    PartialIndex("posting_pay", "posting", "side, (coalesce(hourly_fen, 0)), id", "state = 'live'"),
    PartialIndex("posting_pay_there", "posting", "side, region, (coalesce(hourly_fen, 0)), id", "state = 'live'"),
    PartialIndex("posting_place", "posting", "side, latitude, longitude", "state = 'live' AND latitude IS NOT NULL"),
    PartialIndex(
        "posting_match_there", "posting", "side, kind, occupation, region, published_at, id", "state = 'live'"
    ),
    PartialIndex("posting_match", "posting", "side, kind, occupation, published_at, id", "state = 'live'"),
    PartialIndex(
        "posting_match_major", "posting", "side, kind, major, published_at, id", "state = 'live' AND major IS NOT NULL"
    ),
    PartialIndex("posting_expiring", "posting", "valid_until", "state IN ('live', 'filled', 'paused')"),
    PartialIndex("posting_waiting", "posting", "submitted_at, id", "submitted_at IS NOT NULL"),
    PartialIndex("posting_report_once", "posting_report", "posting_id, person_id", "state = 'open'", unique=True),
    PartialIndex(
        "engagement_once",
        "engagement",
        "posting_id, person_id",
        "state NOT IN ('withdrawn', 'unanswered', 'declined', 'cancelled_by_employer') AND supply_id IS NULL",
        unique=True,
    ),
    PartialIndex(
        "engagement_supply_once",
        "engagement",
        "posting_id, supply_id",
        "state NOT IN ('withdrawn', 'unanswered', 'declined', 'cancelled_by_employer') AND supply_id IS NOT NULL",
        unique=True,
    ),
    PartialIndex("engagement_places", "engagement", "posting_id", "holds_place"),
    PartialIndex("engagement_waiting", "engagement", "posting_id, created_at", "state = 'waiting'"),
    PartialIndex("engagement_busy", "engagement", "person_id", "state IN ('accepted', 'attended')"),
    PartialIndex("engagement_due", "engagement", "due_at", "due_at IS NOT NULL"),
    PartialIndex("engagement_to_judge", "engagement", "state_since, id", "contest = 'open'"),
    PartialIndex("notice_event_once", "notice", "event_id, person_id", "event_id IS NOT NULL", unique=True),
    PartialIndex("notice_broadcast_once", "notice", "broadcast_id, person_id", "broadcast_id IS NOT NULL", unique=True),
    PartialIndex("event_announced_once", "event", "subject", "name = 'calendar.announced'", unique=True),
    PartialIndex("notice_unread", "notice", "person_id, created_at", "read_at IS NULL"),
    PartialIndex(
        "delivery_once",
        "delivery",
        "notice_id",
        "state IN ('created', 'held', 'sending', 'retrying', 'unknown')",
        unique=True,
    ),
    PartialIndex("delivery_due", "delivery", "priority, due_at, id", "due_at IS NOT NULL"),
    PartialIndex("delivery_held", "delivery", "person_id, template_id", "state = 'held'"),
    PartialIndex("delivery_message", "delivery", "message_id", "message_id IS NOT NULL"),
    PartialIndex(
        "fund_paper_current", "fund_paper", "fund_id, kind, (coalesce(year, 0))", "replaced_at IS NULL", unique=True
    ),
    PartialIndex(
        "award_student_once",
        "award",
        "student_id, programme",
        f"student_id IS NOT NULL AND exception_reason = '' AND {_PAYABLE}",
        unique=True,
    ),
    PartialIndex(
        "award_claim_once",
        "award",
        "referral_id, programme",
        f"referral_id IS NOT NULL AND exception_reason = '' AND {_PAYABLE}",
        unique=True,
    ),
    PartialIndex(
        "award_claim_unpaid_once",
        "award",
        "referral_id, programme",
        f"referral_id IS NOT NULL AND state <> 'paid' AND {_PAYABLE}",
        unique=True,
    ),
    PartialIndex(
        "award_matter_once",
        "award",
        "payee_id, programme, year, matter",
        f"student_id IS NULL AND exception_reason = '' AND {_PAYABLE}",
        unique=True,
    ),
    PartialIndex("award_queue", "award", "fund_id, queued_at, id", "state = 'awaiting_funds'"),
    PartialIndex("award_doubted", "award", "statement_id", "doubt <> ''"),
    PartialIndex(
        "objection_once",
        "objection",
        "publication_id, payee_id, person_id, (coalesce(award_id, payee_id))",
        "state = 'open'",
        unique=True,
    ),
    PartialIndex("clawback_once", "clawback", "award_id", _OWED, unique=True),
    PartialIndex("award_run_going_on", "award_run", "created_at", "state = 'running'"),
    PartialIndex("statement_result_once", "statement_result", "row_id", "outcome IN ('paid', 'failed')", unique=True),
    PartialIndex("referral_disputed", "referral", "year, evidence_until", "state = 'disputed'"),
    PartialIndex("referral_to_check", "referral", "year, state_since", "needs_check"),
    PartialIndex("referral_phone", "referral", "phone_index", "phone_index IS NOT NULL"),
    PartialIndex("import_row_subject", "import_row", "subject_id", "subject_id IS NOT NULL"),
    PartialIndex(
        "enrolment_registered_once", "enrolment", "student_id", "state IN ('registered', 'suspended')", unique=True
    ),
    PartialIndex(
        "enrolment_school_once",
        "enrolment",
        "school_id, student_id, year",
        "state IN ('listed', 'registered', 'suspended', 'graduated')",
        unique=True,
    ),
)

RULES = (
    Rule(
        "budget_never_short",
        "budget",
        "new.appropriated_fen >= 0 AND new.available_fen >= 0 AND new.reserved_fen >= 0 AND new.committed_fen >= 0 "
        "AND new.spent_fen >= 0 AND new.surrendered_fen >= 0 AND new.written_off_fen >= 0",
    ),
    Rule("ledger_entry_moves", "ledger_entry", "new.amount_fen > 0 AND new.source <> new.target"),
    Rule("award_of_money", "award", "new.amount_fen > 0"),
    Rule(
        "statement_row_of_one",
        "statement_row",
        "(new.award_id IS NOT NULL AND new.clawback_id IS NULL AND new.amount_fen > 0) "
        "OR (new.award_id IS NULL AND new.clawback_id IS NOT NULL AND new.amount_fen < 0)",
    ),
    Rule("statement_pays", "statement", "new.total_fen >= 0 AND new.offset_fen >= 0"),
    Rule(
        "clawback_never_too_much",
        "clawback",
        "new.amount_fen > 0 AND new.recovered_fen >= 0 AND new.offset_fen >= 0 AND new.written_off_fen >= 0 "
        "AND new.offsetting_fen >= 0 "
        "AND new.recovered_fen + new.offset_fen + new.written_off_fen + new.offsetting_fen <= new.amount_fen",
    ),
)
"""What the database itself refuses to hold, of money above all."""

FIXED = (
    Fixed(
        "statement_locked",
        "statement",
        "old.locked_at IS NOT NULL",
        ("payee_id", "fund_id", "budget_id", "account_id", "payer_id", "count", "total_fen", "offset_fen", "locked_at"),
    ),
    Fixed("budget_closed", "budget", "old.state = 'closed'", ("state", "available_fen", "appropriated_fen")),
)
"""What nobody changes any more."""

SEARCH = {
    "sqlite": {
        "posting_search": "CREATE VIRTUAL TABLE IF NOT EXISTS posting_search "
        "USING fts5(id UNINDEXED, folded UNINDEXED, tokens, tokenize = 'ascii', detail = 'none')",
    },
    "postgres": {
        "posting_tokens": "ALTER TABLE posting ADD COLUMN IF NOT EXISTS folded text, "
        "ADD COLUMN IF NOT EXISTS tokens tsvector, ALTER COLUMN tokens SET STORAGE EXTERNAL, "
        "ALTER COLUMN folded SET STORAGE MAIN, SET (toast_tuple_target = 1024)",
        "posting_search": "CREATE INDEX IF NOT EXISTS posting_search ON posting "
        "USING gin (tokens) WITH (fastupdate = off) WHERE state = 'live'",
    },
}
"""The words of postings, as `server.labour.finding` writes and asks them. No model knows them: Tortoise has neither
type. In PostgreSQL they stand in the posting's own row, so that one index tells what is live and has a word; the
pieces, then the description, are the first to be kept apart: what lists and searches read is to be close together."""
