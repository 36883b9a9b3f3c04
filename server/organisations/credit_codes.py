"""Unified social credit codes (统一社会信用代码, GB 32100), and school codes (学校标识码) for a school without one."""

import re
from enum import StrEnum
from typing import NewType

from stdnum.cn import uscc

from server.kernel.codes import plain

_LENGTH = 18
_LONGEST_TYPED = 100
_CHARACTERS = re.compile(r"[0-9A-Z]*")
_UNUSED_LETTERS = frozenset("IOSVZ")
_SHAPE = re.compile(r"[1-9ANY][0-9A-Z][0-9]{6}[0-9A-Z]{10}")
"""An authority, a kind, a region, an organisation, a check character. stdnum's own `validate` has digits in the first
two places only and so refuses rural collectives (N), which hire people as other enterprises do."""
_SCHOOL_SHAPE = re.compile(r"[0-9]{10}")
_PROVINCES = frozenset(
    map(str, (*range(11, 16), 21, 22, 23, *range(31, 38), *range(41, 47), *range(50, 55), *range(61, 66), 71, 81, 82))
)


class Reason(StrEnum):
    """Why a text is no such code: each is a code of `content/problems.yaml` under `faults`."""

    LENGTH = "credit_code_length"
    CHARACTERS = "credit_code_characters"
    LETTER = "credit_code_letter"
    """I, O, S, V or Z, which no code has because they are taken for digits."""
    FORM = "credit_code_form"
    CHECK = "credit_code_check"
    SCHOOL_FORM = "school_code_form"
    SCHOOL_PROVINCE = "school_code_province"


CreditCode = NewType("CreditCode", str)
"""A credit code in its normal form: 18 capitals and digits."""
SchoolCode = NewType("SchoolCode", str)
"""A school code in its normal form: ten digits."""


def check_credit_code(text: str) -> CreditCode | Reason:
    """Return the code that `text` is, or the first reason why it is none.

    The region is not looked up: it is the registry's, in the state of its day, and no list has them all.
    """
    if len(text) > _LONGEST_TYPED:
        return Reason.LENGTH
    code = plain(text)
    if not _CHARACTERS.fullmatch(code):
        return Reason.CHARACTERS
    if len(code) != _LENGTH:
        return Reason.LENGTH
    if not _UNUSED_LETTERS.isdisjoint(code):
        return Reason.LETTER
    if not _SHAPE.fullmatch(code):
        return Reason.FORM
    return CreditCode(code) if code[-1] == uscc.calc_check_digit(code) else Reason.CHECK


def check_school_code(text: str) -> SchoolCode | Reason:
    """Return the code that `text` is, or the first reason why it is none.

    Two digits of kind, two of province, six of number, and nothing to check them by. Kinds are not held against a list,
    as new ones come; provinces do not.
    """
    code = plain(text) if len(text) <= _LONGEST_TYPED else ""
    if not _SCHOOL_SHAPE.fullmatch(code):
        return Reason.SCHOOL_FORM
    return SchoolCode(code) if code[2:4] in _PROVINCES else Reason.SCHOOL_PROVINCE
