"""What the database must hold beyond Tortoise's tables: partial indexes, append-only triggers, search.

Kept apart from the migrations, because on SQLite a migration that alters a table rebuilds it and silently drops
all of these, and the models' own indexes too. All are applied again after every migration and compared with the
database by a test. A changed object gets a new name; one that is no longer listed is dropped by a migration.
"""

import re
from dataclasses import dataclass

from tortoise.backends.base.client import BaseDBAsyncClient

APPEND_ONLY = (
    "event",
    "audit_entry",
    "audit_seal",
    "enrolment_status",
    "referral_decision",
    "posting_version",
    "engagement_step",
    "permission_entry",
)
"""Tables whose rows are never changed or deleted, whoever asks."""

APP_ROLE = "yizhitong_app"
"""Where this role exists in PostgreSQL, the application signs in as it and does not own the tables."""


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


LIVE_REFERRAL = "('registered', 'matched', 'confirmed')"
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

_SQLITE_GUARD = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""

_POSTGRES_REFUSAL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23000'; END $$"""

_POSTGRES_GUARD = """
CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH {each} EXECUTE FUNCTION refuse_change()"""

_POSTGRES_GRANTS = f"""
DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
  GRANT USAGE ON SCHEMA public TO {APP_ROLE};
  GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {APP_ROLE};
  GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {APP_ROLE};
  REVOKE UPDATE, DELETE ON {", ".join(APPEND_ONLY)} FROM {APP_ROLE};
  REVOKE INSERT, UPDATE, DELETE ON tortoise_migrations FROM {APP_ROLE};
END IF; END $$"""  # noqa: S608 -- names of our own, two screens above

_MODEL_INDEX = re.compile(r'CREATE INDEX IF NOT EXISTS "(\w+)" ON [^;]+')
_NAMES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' "
    "OR (type = 'index' AND sql LIKE '% WHERE %') OR sql LIKE 'CREATE VIRTUAL TABLE %'",
    "postgres": """
SELECT tgname AS name FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'
UNION SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indpred IS NOT NULL AND c.relnamespace = 'public'::regnamespace
UNION SELECT 'posting_tokens' FROM pg_attribute
WHERE attrelid = to_regclass('public.posting') AND atttypid = 'tsvector'::regtype AND NOT attisdropped""",
}


def expected(dialect: str) -> dict[str, str]:
    """Return name -> statement of every object for `dialect` (`sqlite` or `postgres`)."""
    found = {index.name: index.sql for index in PARTIAL_INDEXES} | SEARCH[dialect]
    verbs = {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}
    for table in APPEND_ONLY:
        for verb, each in verbs.items():
            if dialect == "postgres":
                found[f"{table}_no_{verb}"] = _POSTGRES_GUARD.format(table=table, verb=verb, each=each)
            elif verb != "truncate":
                found[f"{table}_no_{verb}"] = _SQLITE_GUARD.format(table=table, verb=verb)
    return found


def model_indexes(db: BaseDBAsyncClient) -> dict[str, str]:
    """Return name -> statement of every plain index that the models ask for, as Tortoise names and spells them."""
    schema = db.schema_generator(db).get_create_schema_sql(safe=True)
    return {found[1]: found[0] for found in _MODEL_INDEX.finditer(schema)}


async def apply(db: BaseDBAsyncClient) -> None:
    """Make every object that is not there; idempotent."""
    dialect = db.capabilities.dialect
    if dialect == "postgres":
        await db.execute_script(_POSTGRES_REFUSAL)
    for statement in (*model_indexes(db).values(), *expected(dialect).values()):
        await db.execute_script(statement)
    if dialect == "postgres":
        await db.execute_script(_POSTGRES_GRANTS)


async def present(db: BaseDBAsyncClient) -> set[str]:
    """Return the names of what the database holds of them."""
    return {row["name"] for row in await db.execute_query_dict(_NAMES[db.capabilities.dialect])}


async def missing(db: BaseDBAsyncClient) -> set[str]:
    """Return the names that should be there and are not."""
    return set(expected(db.capabilities.dialect)) - await present(db)
