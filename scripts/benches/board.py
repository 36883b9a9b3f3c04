"""As many postings as one asks for, in PostgreSQL: words by COPY, the rest by the database itself."""

import random
from urllib.parse import parse_qs, urlsplit

import asyncpg

from server import schema_objects
from server.labour import tokens

TEXTS = 19_997
"""A prime, as the database spreads them by a remainder."""
COUNTIES = ("340802", "340803", "340811", "340822", "340825", "340826", "340827", "340828", "340881", "340882")
COMMON = ("工人", "包吃", "住宿", "日结", "安庆", "车间", "经验", "学徒")
"""In most texts, in many, and so on: every word in two fifths fewer than the one before."""
USUAL = ("采茶", "缝纫", "焊接", "装配", "叉车", "质检", "仓管", "客服", "收银", "保洁", "厨师", "月嫂")
RARE = ("竹编", "挑花", "酿酒", "雕版", "墨模", "伞骨")
_FILLER = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严"  # noqa: E501

_LOAD = """
INSERT INTO posting (id, side, kind, organisation_id, person_id, title, occupation, region, address, latitude,
  longitude, headcount, filled, starts_on, ends_on, hours, shift, pay_fen, pay_unit, hourly_fen, settlement, deductions,
  meals, lodging, transport, insurance, requirements, description, contact_shown, source, valid_until, state,
  state_since, paused_for, findings, reasons, fingerprint, submitted_at, published_at, version, created_at,
  folded, tokens)
SELECT gen_random_uuid(), CASE WHEN h % 10 = 0 THEN 'supply' ELSE 'demand' END,
  (ARRAY['short_term', 'internship', 'job'])[1 + (h >> 5) % 3], o.id, $1, t.title, 'occupation-' || (h >> 7) % 40,
  ($4::text[])[1 + (h >> 9) % 10], '示例路' || i % 900 || '号', 30 + (h >> 6) % 1000 / 1000.0,
  116 + (h >> 8) % 2000 / 1000.0, 1 + i % 20, 0, current_date + i % 60, current_date + 60 + i % 60, '{}', 'day',
  1800 + (h >> 4) % 1700, 'hour', 1800 + (h >> 4) % 1700, 'monthly', '', (h >> 13) % 2 = 0, (h >> 14) % 3 = 0,
  (h >> 16) % 5 = 0, '', '', t.description, 'signed_in', '', current_date + 300, 'live', m.at, '', '[]', '[]', '',
  m.at, m.at - i * interval '1 second', 1, m.at, t.folded, t.tokens
FROM generate_series($2::int, $3::int) i CROSS JOIN LATERAL (SELECT i::bigint * 2654435761 % 4294967296 AS h) mixed
CROSS JOIN bench_moment m JOIN bench_text t ON t.number = h % 19997 JOIN bench_organisation o ON o.number = i % 500
ORDER BY i"""
"""`published_at` falls as `i` rises, so that the rows lie in the table as time would have laid them, backwards."""


def texts() -> list[tuple[int, str, str, str, list[str]]]:
    """Return number, title, description, folded text and pieces of every text; always the same."""
    chance = random.Random(20240091)  # noqa: S311 -- no secret, the same every time
    return [_text(number, chance) for number in range(TEXTS)]


def _text(number: int, chance: random.Random) -> tuple[int, str, str, str, list[str]]:
    words = [word for place, word in enumerate(COMMON) if chance.random() < 0.6 ** (place + 1)]
    words += [word for place, word in enumerate(USUAL) if chance.random() < 0.05 / (place + 1)]
    words += [word for place, word in enumerate(RARE) if number % (TEXTS // (6 - place)) == place]
    title = "".join(chance.choices(_FILLER, k=6)) + chance.choice([*COMMON, "招聘"])
    parts = [*words, *("".join(chance.choices(_FILLER, k=chance.randrange(3, 12))) for _ in range(12))]
    chance.shuffle(parts)
    description = "，".join(parts)
    folded = tokens.folded(title, description)
    return number, title, description, folded, tokens.pieces(folded)


async def connect(url: str) -> asyncpg.Connection:
    """Return a connection that waits as long as loading takes."""
    parts = urlsplit(url)
    host = parse_qs(parts.query)["host"][0]
    return await asyncpg.connect(host=host, user=parts.username, database=parts.path.lstrip("/"))


async def load(url: str, rows: int, *, first: int = 1) -> None:
    """Put `rows` live postings up, numbered from `first`; those with smaller numbers are newer."""
    connection = await connect(url)
    try:
        await connection.execute("SET maintenance_work_mem = '1GB'")
        if first == 1:
            await _prepare(connection)
        objects = {name: sql for name, sql in schema_objects.expected("postgres").items() if " ON posting " in sql}
        for name in objects:
            await connection.execute(f"DROP INDEX IF EXISTS {name}")
        person = await connection.fetchval("SELECT id FROM person LIMIT 1")
        for start in range(first, first + rows, 100_000):
            last = min(start + 99_999, first + rows - 1)
            await connection.execute(_LOAD, person, start, last, list(COUNTIES))
        for sql in objects.values():
            await connection.execute(sql)
        await connection.execute("VACUUM ANALYZE posting")
    finally:
        await connection.close()


async def _prepare(connection: asyncpg.Connection) -> None:
    await connection.execute(
        "CREATE TABLE bench_text (number int PRIMARY KEY, title text, description text, folded text, pieces text[], "
        "tokens tsvector); CREATE TABLE bench_moment AS SELECT now() AS at;"
        "INSERT INTO person (id, openid, state, created_at) VALUES (gen_random_uuid(), 'bench', 'active', now())"
    )
    columns = ["number", "title", "description", "folded", "pieces"]
    await connection.copy_records_to_table("bench_text", records=texts(), columns=columns)
    await connection.execute("UPDATE bench_text SET tokens = array_to_tsvector(pieces)")
    await connection.execute(
        "CREATE TABLE bench_organisation AS SELECT number, gen_random_uuid() AS id "
        "FROM generate_series(0, 499) number;"
        "INSERT INTO organisation (id, kind, name, state, version, created_at) "
        "SELECT id, 'enterprise', '示例企业' || number, 'verified', 1, now() FROM bench_organisation; ANALYZE"
    )
