"""The statements that list postings: whole pages as JSON, written by the database itself.

Each comparison of a page's beginning is one of rows, `(a, id) < (x, y)`, by which an index finds its place. A question
is either put to the postings that come first in the order, whose texts are read, or all that have its pieces are
gathered. Left to itself, PostgreSQL would walk a million rows to find the newest twenty. Of what is gathered only what
orders it is kept: the cards are written of those on the page.
"""

# ruff: noqa: S608 -- names of our own; whatever a client says is a placeholder

from collections.abc import Sequence
from math import cos, radians

from server.labour import seen, tokens
from server.labour.models import Side
from server.labour.statement import Statement
from server.labour.wanted import Near, Order, Stretch, Wanted

METRES_PER_DEGREE = 111_195
"""Of latitude, on a sphere of the earth's mean radius."""
_ASCENDING = frozenset({Order.SOONEST, Order.DISTANCE})
_COLUMNS = {
    Order.NEWEST: "p.published_at",
    Order.WRITTEN: "p.created_at",
    Order.SOONEST: "p.starts_on",
    Order.PAY: "coalesce(p.hourly_fen, 0)",
}
_PLAIN = (
    "version", "side", "kind", "supplier", "title", "occupation", "major", "region", "address", "latitude",
    "longitude", "headcount", "filled", "starts_on", "ends_on", "shift", "pay_fen", "pay_unit", "hourly_fen",
    "settlement", "age_min", "age_max", "valid_until", "state",
)  # fmt: skip
_YES_OR_NO = ("meals", "lodging", "transport")
_MOMENTS = ("state_since", "submitted_at", "published_at")
_ROWS = "(SELECT reltuples FROM pg_class WHERE oid = 'posting'::regclass)"
"""How many postings PostgreSQL takes there to be."""
_BUILD = {"postgres": "json_build_object", "sqlite": "json_object"}


def readable(dialect: str, wanted: Wanted, order: Order) -> bool:
    """Return whether an index gives the postings in this order, so that those that come first can be read for words."""
    return dialect == "postgres" and bool(wanted.phrases) and order in _COLUMNS


def statement(dialect: str, wanted: Wanted, stretch: Stretch, read: int | None = None) -> Statement:
    """Return what to ask: one row with `items`, and where the next page begins in `last` and `last_id`.

    With `read`, only so many postings are read for the words. Then the row says too how many it `found`, whether there
    are others `unread`, which is null for a whole page, and how many `rows` there are of any kind.
    """
    asked = Statement(dialect)
    asked.sql = _Page(asked, wanted, stretch).sql(read)
    return asked


class _Page:
    """One statement."""

    def __init__(self, to: Statement, wanted: Wanted, stretch: Stretch) -> None:
        self.to, self.wanted = to, wanted
        self.order, self.limit, self.behind = stretch.order, stretch.limit, stretch.behind
        self.postgres = to.dialect == "postgres"
        self.distance = _distance(to, wanted.near) if wanted.near else "NULL"
        self.key = _COLUMNS.get(stretch.order, self.distance)
        sign = "" if stretch.order in _ASCENDING else " DESC"
        self.by = f"ORDER BY {{0}}{sign}, {{1}}{sign}"

    def sql(self, read: int | None) -> str:
        """Return the whole statement: a page of cards, and where the next one begins."""
        sides = [self.wanted.side] if self.wanted.side or not self.wanted.today else list(Side)
        cores = [self._core(side, read) for side in sides]
        rows = " UNION ALL ".join(f"SELECT * FROM ({core}) {name}" for core, name in zip(cores, "ab", strict=False))
        first = f"SELECT * FROM ({rows}) r {self.by.format('r.after', 'r.id')} LIMIT {self.limit + 1}"
        return (
            f"WITH page AS MATERIALIZED ({first if len(cores) > 1 else cores[0]}) "
            f"SELECT {self._items()} AS items, last.after AS last, last.id AS last_id{self._left(sides, read)} "
            f"FROM (SELECT 1) one LEFT JOIN (SELECT CAST(after AS text) AS after, CAST(id AS text) AS id FROM page "
            f"LIMIT 1 OFFSET {self.limit - 1}) last ON (SELECT count(*) FROM page) > {self.limit}"
        )

    def _left(self, sides: Sequence[Side | None], read: int | None) -> str:
        """Return what says how far reading came."""
        if read is None:
            return ""
        walks = (f"SELECT FROM posting p WHERE {_all(self._walked(side))} OFFSET {read} LIMIT 1" for side in sides)
        unread = " OR ".join(f"EXISTS ({walk})" for walk in walks)
        found = "(SELECT count(*) FROM page)"
        return f", {found} AS found, CASE WHEN {found} <= {self.limit} THEN {unread} END AS unread, {_ROWS} AS rows"

    def _items(self) -> str:
        names = ["id", *_PLAIN, *_YES_OR_NO, *_MOMENTS, "organisation", "distance_m"]
        listed = f"(SELECT * FROM page LIMIT {self.limit}) card"
        if self.postgres:
            only = f"(SELECT {', '.join(names)} FROM page LIMIT {self.limit}) card"
            return f"coalesce((SELECT json_agg(card) FROM {only}), '[]')::text"
        boolean = {name: f"json(iif({name}, 'true', 'false'))" for name in _YES_OR_NO}
        pairs = ", ".join(f"'{name}', {boolean.get(name, name)}" for name in names)
        pairs = pairs.replace("'organisation', organisation", "'organisation', json(organisation)")
        return f"(SELECT json_group_array(json_object({pairs})) FROM {listed})"

    def _core(self, side: Side | None, read: int | None) -> str:
        """Return the rows of one side, in order and no more than are needed."""
        walked, said = self._walked(side), self._said()
        rows, standing = "posting p", self._standing(side)
        if read:
            rows = f"(SELECT * FROM posting p WHERE {_all(walked)} {self._ordered()} LIMIT {read}) p"
            walked = self._read(self.wanted.phrases)
        elif self.wanted.phrases:
            said += self._having()
        asked = f"WHERE {_all([*walked, *said])}"
        gathers = self.wanted.phrases or self.order not in _COLUMNS
        if self.postgres and gathers and not read:
            return self._gathered(asked, standing)
        return f"SELECT {self._card()} FROM {rows} {standing} {asked} {self._ordered()} LIMIT {self.limit + 1}"

    def _gathered(self, asked: str, standing: str) -> str:
        """Return the rows of one side where thousands may have to be put into order first."""
        kept = f"SELECT p.id, {self.key} AS after, p.organisation_id, p.person_id FROM posting p {asked}"
        best = f"SELECT p.id FROM gathered p {standing} {self.by.format('p.after', 'p.id')} LIMIT {self.limit + 1}"
        return (
            f"WITH gathered AS MATERIALIZED ({kept}), best AS MATERIALIZED ({best}) "
            f"SELECT {self._card()} FROM best JOIN posting p ON p.id = best.id {seen.POSTER} {self._ordered()}"
        )

    def _ordered(self) -> str:
        return self.by.format(self.key, "p.id")

    def _card(self) -> str:
        moment = (
            "to_char(p.{0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS {0}"
            if self.postgres
            else "replace(substr(p.{0}, 1, 19), ' ', 'T') || 'Z' AS {0}"
        )
        named = f"{_BUILD[self.to.dialect]}('id', o.id, 'name', o.name, 'kind', o.kind)"
        return ", ".join(
            [
                "p.id",
                *(f"p.{name}" for name in (*_PLAIN, *_YES_OR_NO)),
                *(moment.format(name) for name in _MOMENTS),
                f"CASE WHEN o.id IS NOT NULL THEN {named} END AS organisation",
                f"{self.distance} AS distance_m",
                f"{self.key} AS after",
            ]
        )

    def _standing(self, side: Side | None) -> str:
        """Join who posts, of those anyone may read only who may be seen with it today."""
        return seen.joined(self.to, side, self.wanted.today) if self.wanted.today else seen.POSTER

    def _walked(self, side: Side | None) -> list[str]:
        """Say what an index answers by itself."""
        said = [f"p.side = '{side}'"] if side else []
        said += ["p.state = 'live'"] if self.wanted.today else []
        said += [f"p.region = {self.to.put(self.wanted.regions[0])}"] if len(self.wanted.regions) == 1 else []
        if self.behind:
            verb = ">" if self.order in _ASCENDING else "<"
            place = f"{self.to.put(self.behind.value)}, {self.to.put(self.behind.row_id)}"
            said.append(f"({self.key}, p.id) {verb} ({place})")
        return said

    def _said(self) -> list[str]:
        """Say what else is asked."""
        put, wanted = self.to.put, self.wanted
        asked = {
            "p.occupation = {}": wanted.occupation,
            "p.starts_on <= {}": wanted.ends,
            "(p.ends_on IS NULL OR p.ends_on >= {})": wanted.starts,
            "p.hourly_fen >= {}": wanted.hourly_min_fen,
        }
        said = [f"p.valid_until >= {self.to.day(wanted.today)}"] if wanted.today else []
        said += [words.format(put(value)) for words, value in asked.items() if value is not None]
        said += [f"p.state = '{wanted.state}'"] if wanted.state else []
        said += [f"p.kind = '{wanted.kind}'"] if wanted.kind else []
        said += [f"p.region IN ({', '.join(map(put, wanted.regions))})"] if len(wanted.regions) > 1 else []
        offers = {name: getattr(wanted, name) for name in _YES_OR_NO}
        said += [f"p.{name}" if has else f"NOT p.{name}" for name, has in offers.items() if has is not None]
        return [*said, *self._within(), *self._owned()]

    def _within(self) -> list[str]:
        near = self.wanted.near
        if near is None:
            return []
        high, wide = near.metres / METRES_PER_DEGREE, near.metres / _metres_per_degree_east(near)
        return [
            f"p.latitude BETWEEN {self.to.put(near.latitude - high)} AND {self.to.put(near.latitude + high)}",
            f"p.longitude BETWEEN {self.to.put(near.longitude - wide)} AND {self.to.put(near.longitude + wide)}",
            f"{self.distance} <= {self.to.put(near.metres)}",
        ]

    def _owned(self) -> list[str]:
        owners = self.wanted.owners
        if owners is None:
            return []
        own = f"(p.organisation_id IS NULL AND p.person_id = {self.to.put(owners.person_id)})"
        if not owners.organisations:
            return [own]
        theirs = ", ".join(map(self.to.put, owners.organisations))
        return [f"({own} OR p.organisation_id IN ({theirs}))"]

    def _having(self) -> list[str]:
        """Ask for the pieces of the phrases, and read the texts where these do not settle it."""
        phrases = self.wanted.phrases
        if self.postgres:
            pieces = f"p.tokens @@ {self.to.put(tokens.tsquery(phrases))}::text::tsquery"
            return [pieces, *self._read(tokens.to_read(phrases))]
        pieces = f"posting_search MATCH {self.to.put(tokens.match(phrases))}"
        texts = [f"instr(folded, {self.to.put(phrase)}) > 0" for phrase in tokens.to_read(phrases)]
        return [f"p.id IN (SELECT id FROM posting_search WHERE {_all([pieces, *texts])})"]

    def _read(self, phrases: Sequence[str]) -> list[str]:
        return [f"strpos(p.folded, {self.to.put(phrase)}) > 0" for phrase in phrases]


def _all(said: Sequence[str]) -> str:
    return " AND ".join(said) or "true"


def _distance(to: Statement, near: Near) -> str:
    """Return the metres from `near`, right to some hundredths within a hundred kilometres."""
    north = f"(p.latitude - {to.put(near.latitude)}) * {METRES_PER_DEGREE}"
    east = f"(p.longitude - {to.put(near.longitude)}) * {to.put(_metres_per_degree_east(near))}"
    return f"CAST(round(sqrt({north} * {north} + {east} * {east})) AS integer)"


def _metres_per_degree_east(near: Near) -> float:
    return METRES_PER_DEGREE * cos(radians(near.latitude))
