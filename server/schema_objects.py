"""What the database must hold beyond Tortoise's tables: partial indexes, append-only triggers, search.

Kept apart from the migrations, because on SQLite a migration that alters a table rebuilds it and silently drops
all of these, and the models' own indexes too. All are applied again after every migration and compared with the
database by a test. A changed object gets a new name; one that is no longer listed is dropped by a migration.
"""

import re

from tortoise.backends.base.client import BaseDBAsyncClient

from server.schema_listed import APPEND_ONLY, FIXED, PARTIAL_INDEXES, RULES, SEARCH

APP_ROLE = "yizhitong_app"
"""Where this role exists in PostgreSQL, the application signs in as it and does not own the tables."""


_SQLITE_GUARD = """
CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"""

_POSTGRES_REFUSAL = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = '23000'; END $$"""

_POSTGRES_GUARD = """
CREATE OR REPLACE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table}
FOR EACH {each} EXECUTE FUNCTION refuse_change()"""

_SQLITE_RULE = """
CREATE TRIGGER IF NOT EXISTS {name}_{verb} BEFORE {verb} ON {table} WHEN NOT ({holds})
BEGIN SELECT RAISE(ABORT, '{name} is broken'); END"""

_SQLITE_FIXED = """
CREATE TRIGGER IF NOT EXISTS {name} BEFORE UPDATE ON {table} WHEN {broken}
BEGIN SELECT RAISE(ABORT, '{name} is broken'); END"""

_POSTGRES_RULE = """
DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}') THEN
  ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({holds});
END IF; END $$"""

_POSTGRES_FIXED = """
CREATE OR REPLACE TRIGGER {name} BEFORE UPDATE ON {table}
FOR EACH ROW WHEN ({broken}) EXECUTE FUNCTION refuse_change()"""

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
UNION SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace
UNION SELECT 'posting_tokens' FROM pg_attribute
WHERE attrelid = to_regclass('public.posting') AND atttypid = 'tsvector'::regtype AND NOT attisdropped""",
}


def expected(dialect: str) -> dict[str, str]:
    """Return name -> statement of every object for `dialect` (`sqlite` or `postgres`)."""
    found = {index.name: index.sql for index in PARTIAL_INDEXES} | SEARCH[dialect] | _kept(dialect)
    verbs = {"update": "ROW", "delete": "ROW", "truncate": "STATEMENT"}
    for table in APPEND_ONLY:
        for verb, each in verbs.items():
            if dialect == "postgres":
                found[f"{table}_no_{verb}"] = _POSTGRES_GUARD.format(table=table, verb=verb, each=each)
            elif verb != "truncate":
                found[f"{table}_no_{verb}"] = _SQLITE_GUARD.format(table=table, verb=verb)
    return found


def _kept(dialect: str) -> dict[str, str]:
    """Return name -> statement of what holds rules of rows, and columns as they are."""
    if dialect == "postgres":
        checks = {
            rule.name: _POSTGRES_RULE.format(name=rule.name, table=rule.table, holds=rule.holds.replace("new.", ""))
            for rule in RULES
        }
        return checks | {
            one.name: _POSTGRES_FIXED.format(name=one.name, table=one.table, broken=one.broken) for one in FIXED
        }
    watched = {
        f"{rule.name}_{verb}": _SQLITE_RULE.format(name=rule.name, table=rule.table, verb=verb, holds=rule.holds)
        for rule in RULES
        for verb in ("insert", "update")
    }
    return watched | {
        one.name: _SQLITE_FIXED.format(name=one.name, table=one.table, broken=one.broken) for one in FIXED
    }


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
