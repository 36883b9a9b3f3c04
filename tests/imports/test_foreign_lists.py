"""Lists as other systems and schools make them: whose phone a group's is, months, and the register's own headings."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from server.imports import cells
from server.imports.headings import Column, Kind, Table, table
from server.imports.models import ImportKind
from server.imports.remarks import Remark
from server.referrals.columns import load
from tests.policy.shelf import CONTENT

ID = "340802201101010001"


@dataclass(frozen=True)
class Page:
    rows: list[list[Any]] = field(default_factory=list)
    name: str = "Sheet1"


def read(kind: ImportKind, *rows: list[Any]) -> Table:
    return table([Page(list(rows))], load(CONTENT).columns(kind, ["宜城职业学校（示例）"]))


@pytest.mark.parametrize(
    ("group", "parts", "fields"),
    [
        ("班主任", ["姓名", "电话"], []),
        ("父亲", ["姓名", "手机号"], []),
        ("监护人信息", ["姓名", "联系方式"], ["guardian_name", "guardian_phone"]),
        ("父母", ["姓名", "电话"], ["guardian_name", "guardian_phone"]),
        ("学生信息", ["电话", "层次"], ["phone", "level"]),
        ("监护人", ["电话", "录取学校"], ["guardian_phone", "named_school"]),
    ],
)
def test_a_phone_in_somebodys_group_is_not_the_students(group: str, parts: list[str], fields: list[str]) -> None:
    upper, lower = ["学生姓名", "身份证号", group, None], [None, None, *parts]
    found = read(ImportKind.REFERRAL, upper, lower, ["王小明", ID, "王大明", "13812345678"])
    assert [name for name, _ in found.headings][2:] == fields


def test_the_registers_own_headings_are_known() -> None:
    found = read(ImportKind.ENROLMENT, ["姓名", "身份证件号", "学籍号", "入学年月"], ["王小明", ID, f"G{ID}", 202609])
    assert [name for name, _ in found.headings] == ["name", "id_number", "record_number", "entered_on"]


@pytest.mark.parametrize(
    ("cell", "day"),
    [
        (202609, "2026-09-01"),
        ("202609", "2026-09-01"),
        ("2026-09", "2026-09-01"),
        ("2026.09", "2026-09-01"),
        ("2026年9月", "2026-09-01"),
        ("2026-9-5", "2026-09-05"),
        (46266, "2026-09-01"),
        (2026.1, None),
        ("202613", None),
        ("2026", None),
    ],
)
def test_a_month_is_its_first_day_where_one_enters(cell: Any, day: str | None) -> None:
    found = cells.read(Column("entered_on", "入学日期", Kind.FIRST_DAY), cell)
    assert found == day if day else isinstance(found, Remark)
    if cell == "202609":
        assert isinstance(cells.read(Column("on", "同意日期", Kind.DATE), cell), Remark)
