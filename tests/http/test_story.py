"""A whole entry year over real HTTP, every student and every fen compared with the plan: `scripts/demo`, with fewer."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from scripts.story import comparing, plan, spending
from scripts.story.__main__ import main
from server.settings import ROOT
from tests.harness import staged


def played(url: str, folder: Path, students: int, seconds: float) -> str:
    """Play the story as its command does, at a server of its own on an empty database; return what it printed."""
    environment = os.environ | {"TMPDIR": str(folder), "YZT_DATABASE_URL": "postgres://nobody@127.0.0.1:9/somebodys"}
    command = [sys.executable, "-m", "scripts.story", str(students), url]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.once
def test_every_students_timeline_reads_true_and_the_counts_add_up(
    own_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with staged.at_once():
        code = main([str(plan.LEAST), own_url])
    told, wrong = capsys.readouterr()
    assert code == 0, told + wrong
    assert "266 students, 300 claims, 40 students claimed twice" in told
    assert ", 0 otherwise than planned" in told


@pytest.mark.drill
def test_with_three_thousand(own_url: str, tmp_path: Path) -> None:
    told = played(own_url, tmp_path, plan.STUDENTS, 900)
    assert "2966 students, 3000 claims, 40 students claimed twice" in told


def test_the_plan_has_everything_in_it() -> None:
    made = plan.made(2026)
    assert [len(made.sent_by(sender)) for sender in plan.SENDERS] == [1500, 1500]
    twice = Counter(pupil.label for pupil in made.pupils if len(pupil.senders) == 2)
    assert (sum(twice.values()), twice["appealed"] > 0, twice["undone"] > 0) == (40, True, True)
    numbers = [number for pupil in made.pupils for number in (pupil.number, pupil.wrong_number)]
    assert len(numbers) == len(set(numbers))
    assert made.claims_of(*plan.SENDERS).total() == 3000
    with pytest.raises(ValueError, match="150"):
        plan.made(2026, 149)


def test_the_plan_of_the_money_comes_to_nothing() -> None:
    """What comes in goes somewhere, in both years, and the payer paid what is spent or came back."""
    first, second = spending.balances(awards=200)
    for budget in (first, second):
        assert budget["appropriated_fen"] == sum(fen for name, fen in budget.items() if name != "appropriated_fen")
    came_back = spending.REWARD_FEN + spending.RECOVERED_FEN
    assert spending.paid_out(200) - came_back == first["spent_fen"] + second["spent_fen"]
    states = Counter(spending.states([f"{one:03}" for one in range(200)], "020", "040").values())
    assert states == {"paid": 191, "approved": 7, "refused": 1, "held": 1}
    assert (second["reserved_fen"], second["spent_fen"]) == (7 * spending.REWARD_FEN, spending.REWARD_FEN)


def test_what_came_otherwise_is_told() -> None:
    rows: list[comparing.Row] = [("a timeline", ["a registered"], ["a registered"]), ("a count", {"a": 1}, {"a": 2})]
    assert comparing.differing(rows) == [("a count", {"a": 1}, {"a": 2})]
