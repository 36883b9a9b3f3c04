"""A result file against what went out: every fault is found, and nothing that is none. Nothing here is stored."""

from typing import Any

import pytest

from server.imports.stored import Row
from server.kernel.ids import new_id
from server.statements import checking
from server.statements.checking import Line, Sent
from server.statements.models import RowOutcome
from server.statements.payer_file import capitals

ACCOUNT = "6217000012345678904"
HEAD = {"number": "S2026-0007", "holder": "江畔中学（示例）", "bank": "宜城农商银行（示例）", "account": ACCOUNT}


def sent(*amounts: int, said: dict[int, tuple[RowOutcome, str]] | None = None, came_back_fen: int = 0) -> Sent:
    lines = {n: Line(new_id(), n, fen, (said or {}).get(n)) for n, fen in enumerate(amounts, 1)}
    return Sent(**HEAD, lines=lines, came_back_fen=came_back_fen)


def row(line: int, amount_said: Any, outcome_said: Any = "已支付", reason_said: Any = "", **changed: Any) -> Row:
    told = {"row": str(line), "amount": amount_said, "outcome": outcome_said, "reason": reason_said}
    return Row(line + 6, {name: cell for name, cell in {**HEAD, **told, **changed}.items() if cell != ""})


def codes_of(found: checking.Checked) -> list[str]:
    return [f"{one.pointer.removeprefix('/file/')} {one.code}" for one in found.faults]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"number": "S2026-9999"}, "8/number result_changed"),
        ({"number": ""}, "8/number result_changed"),
        ({"row": "9"}, "8/row result_foreign_row"),
        ({"row": ""}, "8/row result_foreign_row"),
        ({"row": "-2"}, "8/row result_foreign_row"),
        ({"row": "2.5"}, "8/row result_foreign_row"),
        ({"row": "1"}, "8/row result_row_again"),
        ({"holder": "江畔中学后勤（示例）"}, "8/holder result_changed"),
        ({"bank": "别的银行"}, "8/bank result_changed"),
        ({"account": "6217000099999999"}, "8/account result_changed"),
        ({"account": ACCOUNT[:-1]}, "8/account result_changed"),
        ({"account": 6.217000012345678904e18}, "8/account result_changed"),
        ({"account": ""}, "8/account result_changed"),
        ({"amount": "500.01"}, "8/amount result_changed"),
        ({"amount": "5000"}, "8/amount result_changed"),
        ({"amount": "-500"}, "8/amount result_changed"),
        ({"amount": "五百"}, "8/amount result_changed"),
        ({"amount": "NaN"}, "8/amount result_changed"),
        ({"amount": ""}, "8/amount result_changed"),
        ({"outcome": ""}, "8/outcome result_missing"),
        ({"outcome": "已抵扣"}, "8/outcome result_unknown"),
        ({"outcome": "=1+1"}, "8/outcome result_unknown"),
        ({"outcome": "失败"}, "8/reason result_reason_missing"),
        ({"outcome": "失败", "reason": "错" * 201}, "8/reason string_too_long"),
        ({"outcome": "失败", "reason": f"账号{ACCOUNT}不存在"}, "8/reason personal_number"),
    ],
)
def test_what_was_changed_is_named_by_its_row_and_column(changed: dict[str, Any], expected: str) -> None:
    found = checking.check(sent(50_000, 50_000), [row(1, "500"), row(2, "500", **changed)])
    assert codes_of(found) == [expected]


@pytest.mark.parametrize(
    "changed",
    [
        {"amount": "500.00"},
        {"amount": 500},
        {"amount": 500.0},
        {"amount": "￥500.00"},
        {"amount": "５００"},
        {"row": 1},
        {"row": "1.0"},
        {"account": "6217 0000 1234 5678 904"},
        {"account": "６２１７000012345678904\u200b"},
        {"holder": "江畔中学(示例) "},
        {"outcome": " 已支付 "},
        {"number": "s2026-0007"},
    ],
)
def test_how_other_programs_spell_the_same_is_no_change(changed: dict[str, Any]) -> None:
    found = checking.check(sent(50_000), [row(1, "500", **changed)])
    assert (codes_of(found), [one.outcome for one in found.fresh]) == ([], [RowOutcome.PAID])


def test_amounts_keep_their_fen() -> None:
    for told in (1234567.5, "1,234,567.50", "1234567.5"):
        assert codes_of(checking.check(sent(123_456_750), [row(1, told)])) == []
        assert codes_of(checking.check(sent(123_456_751), [row(1, told)])) == ["7/amount result_changed"]


def test_what_was_said_before_is_no_news_and_something_else_is_refused() -> None:
    before = {1: (RowOutcome.PAID, ""), 2: (RowOutcome.FAILED, "销户")}
    out = sent(50_000, 50_000, 50_000, said=before)
    same = checking.check(out, [row(1, "500"), row(2, "500", "失败", "销户"), row(3, "500")])
    assert (codes_of(same), [one.line.number for one in same.fresh]) == ([], [3])
    other = checking.check(out, [row(1, "500", "失败", "销户"), row(2, "500", "失败", "别的")])
    assert codes_of(other) == ["7/outcome result_said_before", "8/outcome result_said_before"]


def test_no_more_is_kept_back_than_is_paid_and_has_stayed() -> None:
    out = sent(50_000, 50_000, -50_000)
    kept = row(3, "-500", "已抵扣")
    assert codes_of(checking.check(out, [row(1, "500"), kept])) == []
    assert codes_of(checking.check(out, [kept])) == ["9/outcome result_keeps_too_much"]
    assert codes_of(checking.check(out, [row(1, "500", "失败", "销户"), kept])) == ["9/outcome result_keeps_too_much"]
    paid = {1: (RowOutcome.PAID, "")}
    assert codes_of(checking.check(sent(50_000, 50_000, -50_000, said=paid), [kept])) == []
    gone = sent(50_000, 50_000, -50_000, said=paid, came_back_fen=50_000)
    assert codes_of(checking.check(gone, [kept])) == ["9/outcome result_keeps_too_much"]


def test_a_file_of_nothing_but_faults_is_told_in_bounds() -> None:
    rows = [Row(n, {"row": "x"}) for n in range(1, 3000)]
    assert len(checking.check(sent(50_000), rows).faults) == checking.MOST_FAULTS


def test_the_digest_is_that_of_what_is_said() -> None:
    out = sent(50_000, 50_000)
    forth = checking.check(out, [row(1, "500"), row(2, "500")]).fresh
    back = checking.check(out, [row(2, 500.0), row(1, "500.00")]).fresh
    assert checking.digest(out, forth) == checking.digest(out, back)
    failed = checking.check(out, [row(1, "500"), row(2, "500", "失败", "销户")]).fresh
    assert checking.digest(out, failed) != checking.digest(out, forth)


def test_no_account_is_shown_by_what_is_compared() -> None:
    assert ACCOUNT not in repr(sent(50_000))


@pytest.mark.parametrize(
    ("fen", "words"),
    [
        (0, "零元整"),
        (1, "壹分"),
        (10, "壹角"),
        (101, "壹元零壹分"),
        (50_000, "伍佰元整"),
        (1_000_500, "壹万零伍元整"),
        (12_345_678_901, "壹亿贰仟叁佰肆拾伍万陆仟柒佰捌拾玖元零壹分"),
    ],
)
def test_sums_are_spelt_in_capitals(fen: int, words: str) -> None:
    assert capitals(fen) == words
