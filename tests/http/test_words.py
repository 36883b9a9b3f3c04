"""Whatever is done to claims and enrolments has its words, and every state and kind as well."""

import re
from pathlib import Path

import pytest

from miniprogram_api import words
from server.app import CONTENT_DIR
from server.kernel.content import ContentError
from server.settings import ROOT

ACT = re.compile(r'"((?:referral|enrolment|appeal)\.[a-z_]+)"')


def test_every_act_in_the_code_has_its_words() -> None:
    folders = ("referrals", "enrolments", "appeals")
    files = [path for folder in folders for path in (ROOT / "server" / folder).rglob("*.py")]
    acts = {act for path in files for act in ACT.findall(path.read_text(encoding="utf-8"))}
    assert len(acts) > 5
    assert acts <= words.load(CONTENT_DIR).acts.keys()


def test_a_word_that_is_missing_or_names_nothing_is_noticed(tmp_path: Path) -> None:
    text = (CONTENT_DIR / "words.yaml").read_text(encoding="utf-8")
    (tmp_path / "words.yaml").write_text(text.replace("  autumn: 秋季\n", ""), encoding="utf-8")
    with pytest.raises(ContentError, match="autumn"):
        words.load(tmp_path)
