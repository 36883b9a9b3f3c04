"""Headings as schools really write them, and where the rows below begin and end."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from server.imports.headings import MOST_ROWS, Column, Kind, Table, table
from server.kernel.errors import DomainError

COLUMNS = (
    Column("name", "姓名", Kind.NAME, required=True, synonyms=("学生姓名", "名字")),
    Column("id_number", "身份证号", Kind.ID_NUMBER, required=True, synonyms=("身份证号码", "身份证件号", "证件号码")),
    Column("phone", "联系电话", Kind.PHONE, synonyms=("电话", "手机号", "本人电话")),
    Column("guardian_name", "监护人姓名", Kind.NAME, synonyms=("家长姓名",)),
    Column("guardian_phone", "监护人电话", Kind.PHONE, synonyms=("家长电话",)),
    Column("class_name", "班级", synonyms=("初三班级",)),
)
PAIR = ["张三", "340802201201011234"]


@dataclass(frozen=True)
class Page:
    rows: list[list[Any]] = field(default_factory=list)
    name: str = "Sheet1"


def read(*rows: list[Any]) -> Table:
    return table([Page(list(rows))], COLUMNS)


def refusal(*pages: Page) -> tuple[str, list[tuple[str, str | None]]]:
    with pytest.raises(DomainError) as refused:
        table(pages, COLUMNS)
    assert refused.value.status == 422
    return refused.value.slug, [(fault.code, fault.label) for fault in refused.value.faults]


@pytest.mark.parametrize(
    "headings",
    [
        ["姓名", "身份证号"],
        ["学生姓名", "身份证号码"],
        ["*姓名", "身份证号*"],
        ["姓名（必填）", "【必填】身份证号"],
        ["姓 名", "身份证\n号码"],
        ["姓　名：", "ＩＤ".replace("ＩＤ", "身份证号") + "（18位）"],
        ["姓名(与身份证一致)", "证件号码 [必填]"],
        ["\ufeff姓名", "身份证号\u200b"],
    ],
)
def test_headings_are_known_however_they_are_spelt(headings: list[str]) -> None:
    found = read(headings, PAIR)
    assert [name for name, _ in found.headings] == ["name", "id_number"]
    assert [(row.number, dict(row.values)) for row in found.rows] == [(2, {"name": PAIR[0], "id_number": PAIR[1]})]


def test_columns_stand_in_any_order_and_others_are_named_and_passed_over() -> None:
    found = read(["序号", "班级", "身份证号", "民族", "姓名"], [1, "一班", PAIR[1], "汉", "张三"])
    assert found.rows[0].values == {"class_name": "一班", "id_number": PAIR[1], "name": "张三"}
    assert found.headings == (("class_name", "班级"), ("id_number", "身份证号"), ("name", "姓名"))
    assert found.ignored == ("序号", "民族")


def test_a_title_above_and_blank_rows_between_keep_the_spreadsheets_own_numbers() -> None:
    title = ["某中学2026年秋季招生学生姓名、身份证号一览表"]
    found = read(
        title, [], ["填表人：李四", None, "电话"], ["姓名", "身份证号"], [], PAIR, [None, ""], [" ", None], PAIR
    )
    assert [row.number for row in found.rows] == [6, 9]


def test_two_rows_of_headings_tell_whose_name_is_whose() -> None:
    upper = ["班级", "学生", None, "监护人", None]
    lower = ["班级", "姓名", "身份证号", "姓名", "电话"]
    found = read(["名单"], upper, lower, ["一班", *PAIR, "张大", 13812345678])
    assert [name for name, _ in found.headings] == [
        "class_name",
        "name",
        "id_number",
        "guardian_name",
        "guardian_phone",
    ]
    assert found.headings[3] == ("guardian_name", "监护人 姓名")
    assert found.rows[0].number == 4
    assert found.rows[0].values["guardian_name"] == "张大"


@pytest.mark.parametrize("of_group", ["", "情况", "信息", "基本情况", "基本信息（必填）"])
def test_a_group_is_known_by_whom_it_is_about(of_group: str) -> None:
    upper = [f"学生{of_group}", None, f"监护人{of_group}", None]
    found = read(upper, ["姓名", "身份证号", "姓名", "电话"], [*PAIR, "张大", "13812345678"])
    assert [name for name, _ in found.headings] == ["name", "id_number", "guardian_name", "guardian_phone"]


def test_a_heading_merged_over_two_columns_is_one() -> None:
    assert read(["姓名", None, "身份证号"], ["张三", None, PAIR[1]]).rows[0].values["name"] == "张三"


def test_our_own_word_comes_before_a_synonym() -> None:
    found = read(["姓名", "身份证号", "电话", "联系电话"], [*PAIR, "1", "2"])
    assert found.rows[0].values["phone"] == "2"
    assert found.ignored == ("电话",)


def test_a_sheet_of_notes_or_without_rows_is_passed_over() -> None:
    notes, bare = Page([["姓名要与身份证一致"]], "说明"), Page([["姓名", "身份证号"]], "空")
    full, more = Page([["姓名", "身份证号"], PAIR], "一班"), Page([["姓名", "身份证号"], PAIR], "二班")
    found = table([notes, bare, full, more], COLUMNS)
    assert (found.sheet, found.unread) == ("一班", ("二班",))


def test_repeated_headings_examples_and_rows_without_our_columns_are_no_rows() -> None:
    headings = ["序号", "姓名", "身份证号"]
    rows: list[list[Any]] = [headings, [1, "示例张三", PAIR[1]], [2, *PAIR], headings, [3], ["合计2人"]]
    assert [row.number for row in read(*rows).rows] == [3]


def test_what_is_missing_is_named() -> None:
    assert refusal(Page([["姓名", "班级"], ["张三", "一班"]])) == (
        "spreadsheet_headings",
        [("heading_missing", "身份证号")],
    )
    assert refusal(Page([["a"]]), Page())[1] == [("heading_missing", "姓名"), ("heading_missing", "身份证号")]
    assert refusal()[0] == "spreadsheet_headings"


def test_two_columns_of_one_name_are_not_guessed_at() -> None:
    assert refusal(Page([["姓名", "身份证号", "姓名"], [*PAIR, "张大"]]))[1] == [("heading_twice", "姓名")]


def test_nothing_below_the_headings_and_too_much() -> None:
    assert refusal(Page([["姓名", "身份证号"], [None, " "]]))[0] == "spreadsheet_empty"
    assert len(read(["姓名", "身份证号"], *[PAIR] * MOST_ROWS).rows) == MOST_ROWS
    assert refusal(Page([["姓名", "身份证号"], *[PAIR] * (MOST_ROWS + 1)]))[0] == "spreadsheet_rows"


def test_a_table_does_not_print_what_it_holds() -> None:
    assert "张三" not in repr(read(["姓名", "身份证号"], PAIR))
