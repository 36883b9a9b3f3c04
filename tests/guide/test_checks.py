import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from server.guide import checks, service
from server.guide.service import Guide
from server.policy import service as policy_service
from server.settings import ROOT
from tests.policy.shelf import CONTENT, Copy

ARTICLE = "guide/2026/feeder-school-reward.md"
LEAFLET = "guide/2026/leaflet-student.md"
BORROWED = "每生按照规定的标准给予奖励并且由学校统一收取和使用不得挪作他用"


def faults(copy: Copy) -> list[str]:
    return list(checks.faults(copy.root, service.load(copy.root, policy_service.load(copy.root))))


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "scripts.check_content", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "text",
    ["500元", "10万元", "1.4万人", "1,000 元", "20人以上", "30%", "３０％", "12个月", "五百元", "三个月", "十万元"],
)
def test_a_figure_by_hand_is_found(text: str) -> None:
    assert len(checks.figures(f"可得{text}。")) == 1


@pytest.mark.parametrize(
    "text", ["{{ feeder-referral.amount }}", "[[aq-2024-91/15]]", "2026年", "第15条", "每一名", "3+2"]
)
def test_references_dates_and_numbers_of_clauses_are_no_figures(text: str) -> None:
    assert checks.figures(text) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "words"),
    [
        (ARTICLE, "**{{ feeder-referral.amount }}**", "**500元**", "500元 is written by hand"),
        (ARTICLE, "按{{ feeder-referral.rate }}奖励", "按500元奖励", "500元 is written by hand"),
        (ARTICLE, "title: 向", "title: 五百元向", "五百元 is written by hand"),
        (LEAFLET, "学费全免", "学费全免（3000元）", "3000元 is written by hand"),
        (ARTICLE, "## 去哪里", "## 找谁", "the headings are not"),
        (ARTICLE, "## 去哪里\n", "", "the headings are not"),
        (ARTICLE, "在**中职或技工**层次", "在 ** 中职或技工** 层次", "asterisks"),
    ],
)
def test_a_text_that_breaks_its_promise_is_found(copy: Copy, name: str, old: str, new: str, words: str) -> None:
    copy.replace(name, old, new)
    found = faults(copy)
    assert len(found) == 1
    assert words in found[0]


def test_the_guide_keeps_its_promises(guide: Guide) -> None:
    assert list(checks.faults(CONTENT, guide)) == []


def test_what_should_have_been_rechecked_is_told_from_the_next_day(guide: Guide) -> None:
    assert list(checks.overdue(guide, date(2027, 6, 30))) == []
    assert len(list(checks.overdue(guide, date(2027, 7, 1)))) == len(guide.articles) + len(guide.leaflets)


@pytest.mark.parametrize(
    ("text", "original", "run"),
    [("一二三四", "零二三五", "二三"), ("一二", "三四", ""), ("", "一", ""), ("一二", "一二", "一二")],
)
def test_the_longest_run_in_common(text: str, original: str, run: str) -> None:
    assert checks.longest_shared(text, original) == run


def test_the_script_passes_the_content_as_it_is() -> None:
    done = run()
    assert (done.returncode, done.stderr) == (0, "")
    assert "content is in order" in done.stdout
    assert re.search(r"[1-9]\d* policies, [1-9]\d* clauses, [1-9]\d* programmes, [1-9]\d* cases", done.stdout)


def test_the_script_fails_on_a_case_that_comes_out_otherwise(copy: Copy) -> None:
    copy.replace("programmes/feeder-referral.yaml", "amount_fen: 50000, per", "amount_fen: 60000, per")
    done = run("--content", copy.root)
    assert done.returncode == 1
    assert "amount_fen is 60000, expected 50000" in done.stdout


def test_the_script_lists_what_does_not_load(copy: Copy) -> None:
    copy.replace("policies/aq-2024-91.yaml", "standing: current", "standing: valid")
    done = run("--content", copy.root)
    assert (done.returncode, done.stderr) == (1, "")
    assert "aq-2024-91.yaml: standing" in done.stdout


def test_the_script_finds_borrowed_sentences_but_not_declared_names(copy: Copy, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    sources.mkdir()
    title = "安庆市人民政府关于深化职业教育集团化办学的实施意见"
    (sources / "one.txt").write_text(f"{title}\n{BORROWED[:10]}，\n{BORROWED[10:]}。", encoding="utf-8")
    assert run("--content", copy.root, "--sources", sources).returncode == 0
    copy.replace(ARTICLE, "## 去哪里\n", f"## 去哪里\n\n{BORROWED}\n")
    done = run("--content", copy.root, "--sources", sources)
    assert done.returncode == 1
    assert f"{len(BORROWED)} characters as in a source: {BORROWED}" in done.stdout
