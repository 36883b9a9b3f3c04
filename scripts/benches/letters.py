"""Pushes that wait in PostgreSQL, each to a person of its own who has given one permission.

Ids are UUIDv7, as the product's are: others would scatter over every index, and cost the database twice as much.
"""

from typing import Any

from scripts.benches.board import connect
from server.notices.models import Priority

TEMPLATE = "bench-template"
ASKED_FOR = (TEMPLATE, "standin-news", "standin-review")
"""Those of a broadcast and of a decision about an organisation too."""
_PEOPLE = """
INSERT INTO person (id, openid, state, created_at)
SELECT uuidv7(), 'bench-' || i, 'active', now() FROM generate_series(1, $1::int) i"""
_PERMISSIONS = """
INSERT INTO push_permission (id, person_id, template_id, credited, reserved, long_term, changed_at)
SELECT uuidv7(), id, template, 1000, 0, false, now() FROM person, unnest($1::text[]) template"""
_NOTICES = """
INSERT INTO notice (id, person_id, event_id, kind, version, subject, title, text, page, priority, expires_at,
  created_at)
SELECT uuidv7(), id, uuidv7(), 'bench.person', '2026-11-0', 'thing:1', '试', '试一试',
  'pages/index/index', $1::int, now() + interval '1 day', now() FROM person LIMIT $2::int"""
_DELIVERIES = f"""
INSERT INTO delivery (id, notice_id, person_id, service, template, template_id, data, page, state, state_since,
  priority, due_at, expires_at, attempts, reserved, again, refusal, created_at)
SELECT uuidv7(), n.id, n.person_id, 'mini_program', 'bench', '{TEMPLATE}',
  '{{"thing1": "安庆职业教育集团推荐登记", "phrase2": "已通过", "time3": "2026年11月21日", "thing4": "请打开查看"}}',
  n.page, 'created', now(), n.priority, now(), n.expires_at, 0, false, false, '', now()
FROM notice n WHERE NOT EXISTS (SELECT 1 FROM delivery d WHERE d.notice_id = n.id)"""  # noqa: S608


async def people(url: str, number: int) -> None:
    """Put so many people there, each with a thousand permissions."""
    await _run(url, (_PEOPLE, number), (_PERMISSIONS, list(ASKED_FOR)), ("ANALYZE",))


async def write(url: str, number: int) -> None:
    """Have so many urgent pushes wait, each to another person."""
    await _run(url, (_NOTICES, Priority.URGENT, number), (_DELIVERIES,), ("ANALYZE delivery",))


async def states(url: str) -> dict[str, int]:
    """Return how many pushes there are in each state."""
    connection = await connect(url)
    try:
        rows = await connection.fetch("SELECT state, count(*) AS number FROM delivery GROUP BY state")
    finally:
        await connection.close()
    return {row["state"]: row["number"] for row in rows}


async def waits(url: str) -> list[float]:
    """Return the seconds from an event until WeChat took its urgent push, the longest last."""
    connection = await connect(url)
    try:
        rows = await connection.fetch(
            "SELECT extract(epoch FROM d.handed_over_at - e.created_at)::float8 AS seconds FROM delivery d "
            "JOIN notice n ON n.id = d.notice_id JOIN event e ON e.id = n.event_id "
            "WHERE d.priority = $1 AND d.handed_over_at IS NOT NULL ORDER BY 1",
            Priority.URGENT,
        )
    finally:
        await connection.close()
    return [row["seconds"] for row in rows]


async def _run(url: str, *statements: tuple[Any, ...]) -> None:
    connection = await connect(url)
    try:
        for statement in statements:
            await connection.execute(*statement)
    finally:
        await connection.close()
