"""Cells as Excel and people leave them: mended where that is safe, refused where digits are gone."""

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniprogram_api.problem import Problems
from server.imports.cells import as_sent, read, values
from server.imports.headings import Column, Kind
from server.imports.remarks import Remark
from tests.policy.shelf import CONTENT

LEVEL = Column(
    "level", "层次", Kind.CHOICE, choices={"中专": "secondary", "中职": "secondary", "技工": "skilled_worker"}
)
ID = "34080220120101123X"


def said(kind: Kind, cell: Any) -> str | None:
    found = read(Column("field", "栏目", kind), cell)
    assert not isinstance(found, Remark), found.code
    return found


def refused(kind: Kind, cell: Any) -> str:
    found = read(Column("field", "栏目", kind), cell)
    assert isinstance(found, Remark)
    return found.code


@pytest.mark.parametrize(
    "cell",
    [
        ID,
        ID.lower(),
        f" {ID[:6]} {ID[6:14]} {ID[14:]} ",
        f"'{ID}",
        f"’{ID}",
        f'="{ID}"',
        f"\u202d{ID}\u202c\ufeff",
        "３４０８０２２０１２０１０１１２３Ｘ",
        ID[:-1] + "×",
        ID[:-1] + "Х",  # a Cyrillic letter
        f"{ID}\r\n_x000D_",
    ],
)
def test_id_numbers_are_mended(cell: str) -> None:
    assert said(Kind.ID_NUMBER, cell) == ID


@pytest.mark.parametrize("cell", [3.40802201201011e17, "3.40802E+17", "3.40802e17", "3E+17", " 3.4 E+17"])
def test_id_numbers_that_lost_digits_are_not_guessed_at(cell: str | float) -> None:
    assert refused(Kind.ID_NUMBER, cell) == "id_number_lost_digits"


def test_a_number_of_fifteen_digits_is_left_to_the_check() -> None:
    assert said(Kind.ID_NUMBER, 340802120101123) == "340802120101123"


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ("张　三", "张三"),
        (" 张 \n三 ", "张三"),
        ("𠮷 田", "𠮷田"),
        ("买买提•艾力", "买买提·艾力"),
        ("买买提．艾力", "买买提·艾力"),
        ("买买提・艾力", "买买提·艾力"),
        ("张\u200b三\u202c", "张三"),
        ("Anna Li", "Anna Li"),
        ("㛃䶮", "㛃䶮"),
    ],
)
def test_names_are_mended_and_rare_characters_kept(cell: str, name: str) -> None:
    assert said(Kind.NAME, cell) == name


@pytest.mark.parametrize(
    "cell",
    [
        13812345678,
        13812345678.0,
        "13812345678.0",
        "138-1234-5678",
        "+86 138 1234 5678",
        "8613812345678",
        "'13812345678",
    ],
)
def test_phones_are_mended(cell: str | float) -> None:
    assert said(Kind.PHONE, cell) == "13812345678"


def test_phones_keep_their_area_code_and_lost_digits_are_refused() -> None:
    assert said(Kind.PHONE, "(0556)8612345") == "05568612345"
    assert said(Kind.PHONE, "13900860086") == "13900860086"
    assert refused(Kind.PHONE, "1.38123E+10") == "digits_lost"


@pytest.mark.parametrize(
    "cell",
    [
        date(2026, 9, 1),
        datetime(2026, 9, 1),  # noqa: DTZ001
        datetime(2026, 9, 1, 13, 5),  # noqa: DTZ001
        "2026-09-01", "2026-9-1", "2026/9/1", "2026.9.1", "2026.09.01", "2026年9月1日", "2026 年 9 月 1 日", "20260901",
        20260901, 46266, 46266.0, "46266",
        "2026-09-01T00:00:00", "2026/9/1 10:30", "2026-9-1 0:00:00", "２０２６．９．１",
    ],
)  # fmt: skip
def test_days_in_every_spelling(cell: Any) -> None:
    assert said(Kind.DATE, cell) == "2026-09-01"


@pytest.mark.parametrize(
    "cell", ["9/1/2026", "2026-13-01", "2026-2-30", "2026年9月", 2026, 1, "明年", 99999999, "26-9-1", "2026-9.1"]
)
def test_what_is_no_day_or_could_be_two_is_refused(cell: Any) -> None:
    assert refused(Kind.DATE, cell) == "date_parsing"


def test_words_become_what_they_mean() -> None:
    assert read(LEVEL, " 中 职 ") == read(LEVEL, "中专（必填）") == read(LEVEL, "secondary") == "secondary"
    found = read(LEVEL, "大学")
    assert found == Remark("level", "enum", {"expected": "中专、技工"})


def test_texts() -> None:
    assert said(Kind.TEXT, 3) == "3"
    assert said(Kind.TEXT, " 九(3)  班\n") == "九(3) 班"
    assert said(Kind.TEXT, "=1+1") == "=1+1"
    assert refused(Kind.TEXT, date(2026, 3, 1)) == "text_is_date"
    assert refused(Kind.TEXT, 123456789012345678.0) == "digits_lost"


@pytest.mark.parametrize("kind", set(Kind) - {Kind.CHOICE})
@pytest.mark.parametrize("cell", [None, "", "  ", "\u3000", "\u200b"])
def test_nothing_is_nothing(kind: Kind, cell: str | None) -> None:
    assert said(kind, cell) is None


def test_a_row_gives_all_its_fields_and_all_that_is_wrong() -> None:
    columns = (
        Column("name", "姓名", Kind.NAME),
        Column("born", "生日", Kind.DATE),
        Column("x", "号", Kind.PHONE),
        LEVEL,
    )
    texts, wrong = values({"name": "张 三", "born": "?", "level": "?"}, columns)
    assert texts == {"name": "张三", "born": None, "x": None, "level": None}
    assert [remark.field for remark in wrong] == ["born", "level"]


CELLS = (
    st.none() | st.booleans() | st.integers(-(10**14), 10**14) | st.floats() | st.dates() | st.datetimes() | st.text()
)


@given(CELLS, st.sampled_from(Kind))
def test_no_cell_makes_it_fall_and_no_remark_holds_it(cell: Any, kind: Kind) -> None:
    found = read(Column("field", "栏目", kind, choices=LEVEL.choices), cell)
    assert found is None or isinstance(found, Remark) or found.strip()
    if isinstance(found, Remark) and len(as_sent(cell)) > 3:
        assert as_sent(cell) not in str(found.facts)


@given(CELLS, st.sampled_from(Kind))
def test_a_cell_reads_the_same_once_it_was_kept_as_text(cell: Any, kind: Kind) -> None:
    column = Column("field", "栏目", kind, choices=LEVEL.choices)
    assert read(column, cell) == read(column, as_sent(cell))


def test_every_remark_has_its_words() -> None:
    codes = {
        "id_number_lost_digits",
        "digits_lost",
        "text_is_date",
        "date_parsing",
        "enum",
        "heading_missing",
        "heading_twice",
    }
    assert codes <= set(Problems.load(CONTENT).faults)
