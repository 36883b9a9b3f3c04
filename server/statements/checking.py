"""A result file against what went out, row by row: values in, what is said of which row or every fault out. Pure."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from server.imports import cells
from server.imports.stored import Row
from server.kernel import codes, money
from server.kernel.errors import FieldFault
from server.statements import columns
from server.statements.columns import COLUMNS
from server.statements.models import RowOutcome

LONGEST_REASON = 200
MOST_FAULTS = 1000
_HEADINGS = {column.field: column.heading for column in COLUMNS}
_CURRENCY = str.maketrans("", "", ",¥￥元")


@dataclass(frozen=True, slots=True)
class Line:
    """A row as it went out. `said` is what was said of it before, if anything, and why.

    `subject` is what it is about as the payer reads it, empty where that is known no longer.
    """

    id: UUID
    number: int
    amount_fen: int
    said: tuple[RowOutcome, str] | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """A statement as it went out; `came_back_fen` is what the bank sent back since."""

    number: str
    holder: str = field(repr=False)
    bank: str = field(repr=False)
    account: str = field(repr=False)
    lines: Mapping[int, Line]
    came_back_fen: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a file says of a row, of one that failed why."""

    line: Line
    outcome: RowOutcome
    reason: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file says of rows of which nothing was said before, and every fault that it has."""

    fresh: Sequence[Outcome]
    faults: Sequence[FieldFault]


class _Reader:
    """Reads the rows of one file, and collects what is wrong with them."""

    def __init__(self, sent: Sent) -> None:
        self._sent = sent
        self._compared: Mapping[str, Callable[[str], bool]] = {
            columns.NUMBER: lambda text: codes.plain(text) == sent.number,
            columns.HOLDER: lambda text: codes.plain(text) == codes.plain(sent.holder),
            columns.BANK: lambda text: codes.plain(text) == codes.plain(sent.bank),
            columns.ACCOUNT: lambda text: codes.undashed(text) == sent.account,
        }
        self.faults: list[FieldFault] = []
        self.found: dict[int, tuple[int, Outcome]] = {}

    def read(self, row: Row) -> None:
        """Take in one row."""
        said = {name: cells.as_sent(cell) for name, cell in row.values.items()}
        wrong = list(self._against(said))
        self.faults += [
            FieldFault(f"/file/{row.number}/{name}", code, params, f"第{row.number}行 {_HEADINGS[name]}")
            for name, code, params in wrong
        ]
        if not wrong:
            line = self._sent.lines[_whole(said[columns.ROW])]
            outcome = _outcome(said[columns.OUTCOME], line)
            if outcome:
                self.found[line.number] = row.number, Outcome(line, outcome, said.get(columns.REASON, ""))

    def _against(self, said: Mapping[str, str]) -> Iterator[tuple[str, str, dict[str, object]]]:
        for name, fits in self._compared.items():
            if not fits(said.get(name, "")):
                yield name, "result_changed", {}
        line = self._sent.lines.get(_whole(said.get(columns.ROW, "")))
        if line is None:
            yield columns.ROW, "result_foreign_row", {}
            return
        if line.number in self.found:
            yield columns.ROW, "result_row_again", {"row": self.found[line.number][0]}
        if self._of_another(said, line):
            yield columns.SUBJECT, "result_changed", {}
        if _fen(said.get(columns.AMOUNT, "")) != line.amount_fen:
            yield columns.AMOUNT, "result_changed", {}
        yield from self._against_outcome(said, line)

    def _of_another(self, said: Mapping[str, str], line: Line) -> bool:
        """Whether a row of this statement is about something else: it was numbered anew, or sorted in part."""
        subject, own = codes.plain(said.get(columns.SUBJECT, "")), codes.plain(said.get(columns.NUMBER, ""))
        return own == self._sent.number and bool(subject and line.subject) and subject != codes.plain(line.subject)

    @staticmethod
    def _against_outcome(said: Mapping[str, str], line: Line) -> Iterator[tuple[str, str, dict[str, object]]]:
        word, reason = said.get(columns.OUTCOME, ""), said.get(columns.REASON, "")
        outcome = _outcome(word, line)
        if outcome is None:
            code = "result_unknown" if word else "result_missing"
            yield columns.OUTCOME, code, {"words": "、".join(_words(line))}
            return
        if outcome is RowOutcome.FAILED and not reason:
            yield columns.REASON, "result_reason_missing", {}
        if len(reason) > LONGEST_REASON:
            yield columns.REASON, "string_too_long", {"max_length": LONGEST_REASON}
        if codes.personal(reason):
            yield columns.REASON, "personal_number", {}
        if line.said and line.said != (outcome, reason if outcome is RowOutcome.FAILED else line.said[1]):
            yield columns.OUTCOME, "result_said_before", {}


def check(sent: Sent, rows: Sequence[Row]) -> Checked:
    """Compare the rows of a file with what went out."""
    reader = _Reader(sent)
    for row in rows:
        reader.read(row)
    fresh = [outcome for _, outcome in reader.found.values() if outcome.line.said is None]
    faults = reader.faults or list(_short(sent, reader))
    return Checked(fresh, faults[:MOST_FAULTS])


def digest(sent: Sent, outcomes: Sequence[Outcome]) -> str:
    """Return by which the same said again is known, however its file was saved: no account number goes into it."""
    lines = sorted(f"{one.line.number}\t{one.outcome}\t{one.reason}" for one in outcomes)
    return hashlib.sha256("\n".join([sent.number, *lines]).encode()).hexdigest()


def _short(sent: Sent, reader: _Reader) -> Iterator[FieldFault]:
    """Yield a fault for each row that keeps money back, where that would be more than was paid."""
    before = [line for line in sent.lines.values() if line.said and line.said[0] is RowOutcome.PAID]
    now = [one.line for _, one in reader.found.values() if one.outcome is RowOutcome.PAID and one.line.said is None]
    if sum(line.amount_fen for line in (*before, *now)) >= sent.came_back_fen:
        return
    for number, one in reader.found.values():
        if one.line in now and one.line.amount_fen < 0:
            label = f"第{number}行 {_HEADINGS[columns.OUTCOME]}"
            yield FieldFault(f"/file/{number}/{columns.OUTCOME}", "result_keeps_too_much", label=label)


def _words(line: Line) -> list[str]:
    return [word for word in columns.OUTCOMES if line.amount_fen < 0 or word != "已抵扣"]


def _outcome(word: str, line: Line) -> RowOutcome | None:
    plain = codes.plain(word)
    return RowOutcome(columns.OUTCOMES[plain]) if plain in _words(line) else None


def _whole(text: str) -> int:
    """Return a row's number, 0 for what is none."""
    digits = text.removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= 6 else 0  # noqa: PLR2004 -- rows


def _fen(text: str) -> int | None:
    try:
        return money.fen(codes.plain(text).translate(_CURRENCY))
    except ValueError:
        return None
