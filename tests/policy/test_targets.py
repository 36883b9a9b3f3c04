"""Targets, quotas, windows and duties: each with its place, its time and who answers for it; no rate merged."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from server.kernel.content import ContentError, load_yaml
from server.kernel.dates import PolicyDate
from server.policy import service
from server.policy.book import PolicyBook, load
from server.policy.targets import Figure, Target, answered
from tests.policy.shelf import CONTENT, Copy
from tests.policy.test_book import put
from tests.policy.test_figures import told

FILE = "reference/targets.yaml"
WORDS = {1: ["一", "每"], 2: ["两", "翻一番"]}
WAN = 10_000

# Place and kind of every target that has figures: the figures with their units.
SET = {
    ("aq-2019-7", "measure"): "70%",
    ("aq-2019-7/6.1", "measure"): "30%",
    ("aq-annex-29/4", "measure"): "75%",
    ("aq-annex-29/26", "measure"): "70%",
    ("aq-2024-91/16", "measure"): "2024:40% 2025:42% 2026:45% 2027:50%",
    ("aq-2019-7/4.1", "quota"): "20%",
    ("aq-2019-7/4.3", "quota"): "500人",
    ("aq-2019-7/7.1", "duty"): "1期 1册/人",
    ("aq-2019-7/8.1", "duty"): "1次",
    ("aq-2019-6", "target"): "2倍（以2018年的招生规模为1）",
    ("aq-2019-6/23", "target"): "9个",
    ("aq-2019-6/s1", "duty"): "1次 1次",
    ("aq-2019-6/r1", "window"): "20天",
    ("aq-annex-29/1", "target"): "75%",
    ("aq-annex-29/4", "target"): "20000人",
    ("aq-annex-29/5", "target"): "50000人次",
    ("aq-annex-29/6", "target"): "25000人",
    ("aq-annex-29/7", "target"): "10所 5000人",
    ("aq-annex-29/9", "target"): "100个",
    ("aq-annex-29/11", "duty"): "2个",
    ("aq-annex-29/14", "target"): "1个/县区（市功能区）",
    ("aq-annex-29/15", "target"): "20个",
    ("aq-annex-29/16", "target"): "1个/校",
    ("aq-annex-29/19", "target"): "200个 6000人",
    ("aq-annex-29/20", "target"): "2000人",
    ("aq-2024-91/g3", "target"): "14000人 10000人 40000人次 2个",
    ("aq-2024-91/10", "target"): "3个",
    ("aq-2024-91/12", "quota"): "20%",
    ("aq-2024-91/s2", "quota"): "5000000元 500000元",
    ("cz-2018-28/2", "target"): "5个 30家",
    ("cz-2018-28/3", "duty"): "1次",
    ("cz-2018-28/6", "target"): "3个月",
    ("cz-2018-28/19", "target"): "3年",
    ("cz-2018-28/26", "duty"): "1次",
}
MORE = ["aq-2019-6/14", "aq-2019-6/r2", "aq-2024-91/15", "aq-2024-91/s3", "cz-2018-28/5", "aq-annex-29/12"]


def text(figure: Figure) -> str:
    dated = f"{figure.dated.value}:" if figure.dated else ""
    return f"{dated}{figure.value}{figure.unit}"


def stands_in(figure: Figure, summary: str) -> bool:
    value = figure.value
    numbers = re.findall(r"\d+(?:\.\d+)?万?", summary)
    if str(value) in numbers or f"{value / WAN:g}万" in numbers:
        return True
    return any(word in summary for word in WORDS.get(int(value), []))


def by_id(book: PolicyBook, on: str, jurisdiction: Any = None) -> set[str]:
    return {target.id for target in service.targets(book, jurisdiction=jurisdiction, on=date.fromisoformat(on))}


def test_every_figure_that_is_set_is_here(book: PolicyBook) -> None:
    found: dict[tuple[str, str], list[str]] = {}
    for target in book.targets.values():
        for figure in target.figures:
            found.setdefault((target.places[0], target.kind), []).append(text(figure))
    assert {key: " ".join(figures) for key, figures in found.items()} == SET


def test_every_figure_stands_in_every_place_it_is_said_to(book: PolicyBook) -> None:
    for target in book.targets.values():
        for place in (target.places[0],) if target.kind == "measure" else target.places:
            summary = told(book, place)
            assert [figure for figure in target.figures if not stands_in(figure, summary)] == [], target.id


def test_the_five_employment_rates_are_never_merged(book: PolicyBook) -> None:
    measures = [target for target in book.targets.values() if target.kind == "measure"]
    assert [[figure.value for figure in measure.figures] for measure in measures] == [
        [70], [30], [75], [70], [40, 42, 45, 50],
    ]  # fmt: skip
    ratios = [measure.ratio for measure in measures]
    assert len({ratio.model_dump_json() for ratio in ratios if ratio}) == 5
    assert [ratio.place for ratio in ratios if ratio] == ["本地", "安庆市企业", "本地", "本地", "留地"]
    assert [ratio.denominator for ratio in ratios if ratio] == [
        "集团毕业生", None, "全市职技院校的毕业生", None, "集团高职毕业生",
    ]  # fmt: skip
    assert book.targets["local-employment-annex"].note
    assert book.targets["local-employment-2019"].also == ("aq-2019-6",)


def test_the_rates_of_the_four_years_are_dated(book: PolicyBook) -> None:
    target = book.targets["higher-graduates-staying"]
    years = [PolicyDate(value=str(year), precision="year") for year in range(2024, 2028)]
    assert [figure.dated for figure in target.figures] == years
    assert [figure.value for figure in target.figures] == [40, 42, 45, 50]


@pytest.mark.parametrize("clause", MORE)
def test_what_has_no_figure_is_not_forgotten(book: PolicyBook, clause: str) -> None:
    assert [target for target in book.targets.values() if clause in target.places and not target.figures]


def test_every_kind_is_there(book: PolicyBook) -> None:
    kinds = Counter(target.kind for target in book.targets.values())
    assert (kinds["measure"], kinds["window"], kinds["quota"]) == (5, 3, 6)
    assert min(kinds["target"], kinds["duty"]) >= 20
    assert len(book.targets) == sum(kinds.values())


def test_windows_and_recurrences(book: PolicyBook) -> None:
    targets = book.targets
    assert targets["cz-class-applications"].period.months == (6, 12)
    every = {name: target.period.every for name, target in targets.items()}
    assert (every["council-every-ten-days"], every["secretariat-every-week"]) == ("ten_days", "week")
    assert (every["cz-quarterly-meeting"], every["cz-yearly-report"]) == ("quarter", "year")
    assert every["guide-to-every-graduate"] == every["yearly-commendations"] == "year"
    (days,) = targets["measures-within-20-days"].figures
    assert (days.value, days.unit, days.comparison) == (20, "天", "at_most")
    assert targets["model-enterprises"].period.ends == PolicyDate(value="2025", precision="year")


def test_both_progression_ratios_are_each_countys_own(book: PolicyBook) -> None:
    ratios = [target for target in book.targets.values() if target.clause == "aq-2024-91/15"]
    assert len({target.ratio.numerator for target in ratios if target.ratio}) == 2
    assert {target.ratio.place for target in ratios if target.ratio} == {"各县（市、区）"}
    assert {target.answers_for for target in ratios} == {("各县（市、区）政府",)}


def test_only_chenzhou_leaves_open_who_answers(book: PolicyBook) -> None:
    assert {target.jurisdiction for target in book.targets.values() if not target.answers_for} == {"431000"}


def test_the_mandate_of_this_product_is_there(book: PolicyBook) -> None:
    mandate = {target.clause for target in book.targets.values() if target.note and "本产品的任务来源" in target.note}
    assert mandate == {"aq-annex-29/11", "aq-annex-29/12", "aq-annex-29/13"}


def test_a_target_answers_with_its_label_and_standing(book: PolicyBook) -> None:
    target = book.targets["higher-graduates-staying"]
    answer = answered(target, book.policies[target.policy]).model_dump(mode="json")
    assert (answer["label"], answer["standing"]) == ("宜政秘〔2024〕91号 第16条", "current")
    assert answer["period"]["from"] == {"value": "2024", "precision": "year"}
    assert answer["figures"][3] == {
        "value": 50, "unit": "%", "comparison": "at_least", "dated": {"value": "2027", "precision": "year"},
    }  # fmt: skip
    before = answered(book.targets["intake-doubled"], book.policies["aq-2019-6"])
    assert (before.clause, before.label) == (None, "安职集团〔2019〕6号 总体目标与思路")


def test_targets_by_city_and_day(book: PolicyBook) -> None:
    anqing, chenzhou = by_id(book, "2026-11-21", "340800"), by_id(book, "2026-11-21", "431000")
    assert anqing | chenzhou == by_id(book, "2026-11-21")
    assert {name for name in chenzhou if not name.startswith("cz-")} == set()
    assert {name for name in anqing if name.startswith("cz-")} == set()
    assert len(service.targets(book)) == len(book.targets)
    assert [target.kind for target in service.targets(book, kind="measure")] == ["measure"] * 5


@pytest.mark.parametrize(
    ("on", "target", "there"),
    [
        ("2025-12-31", "model-enterprises", True),
        ("2026-01-01", "model-enterprises", False),
        ("2023-12-31", "award-appropriation", False),
        ("2024-01-01", "award-appropriation", True),
        ("2027-12-31", "award-appropriation", True),
        ("2028-01-01", "award-appropriation", False),
        ("2027-12-31", "teaching-posts", True),
        ("2028-01-01", "teaching-posts", False),
        ("2018-12-31", "local-internships-2019", False),
        ("2019-01-01", "local-internships-2019", True),
        ("2030-01-01", "apprentices", True),
    ],
)
def test_what_surely_does_not_hold_that_day_is_left_out(book: PolicyBook, on: str, target: str, *, there: bool) -> None:
    assert (target in by_id(book, on)) is there


def test_no_target_is_lost_on_the_way(book: PolicyBook) -> None:
    assert list(book.targets) == [target["id"] for target in load_yaml(CONTENT / FILE)["targets"]]
    assert all(isinstance(target, Target) for target in book.targets.values())


BROKEN = [
    (put("targets", 0, "kind", value="goal"), "kind"),
    (put("targets", 0, "ratio", value=None), "a measure has a ratio and a figure"),
    (put("targets", 1, "figures", value=[]), "placement-share-2019: a measure has a ratio and a figure"),
    (put("targets", 4, "figures", 1, "dated", value=None), "several figures need the time of each"),
    (put("targets", 0, "figures", 0, "value", value="70"), "figures.0.value"),
    (put("targets", 0, "figures", 0, "value", value=0), "figures.0.value"),
    (put("targets", 0, "figures", 0, "comparison", value="about"), "comparison"),
    (put("targets", 0, "period", "text", value=None), "period.text"),
    (put("targets", 0, "period", "months", value=[13]), "period.months"),
    (put("targets", 1, "clause", value="aq-2024-91/15"), "aq-2024-91/15 is no clause of aq-2019-7"),
    (put("targets", 1, "clause", value="aq-2019-7/9"), "placement-share-2019: aq-2019-7/9 is nowhere"),
    (put("targets", 0, "also", value=["aq-2030-1"]), "local-employment-2019: aq-2030-1 is nowhere"),
    (put("targets", 0, "also", value=["aq-2024-91"]), "nothing is told of what aq-2024-91 says before its first"),
    (put("targets", 0, "jurisdiction", value="431000"), "aq-2019-7 is another city's"),
    (put("targets", 0, "also", value=["cz-2018-28/2"]), "cz-2018-28/2 is another city's"),
    (put("targets", 1, "id", value="local-employment-2019"), "given twice: local-employment-2019"),
]


@pytest.mark.parametrize(("change", "words"), BROKEN, ids=[words for _, words in BROKEN])
def test_a_broken_target_is_refused(copy: Copy, change: Callable[[Any], None], words: str) -> None:
    copy.edit(FILE, change)
    with pytest.raises(ContentError) as raised:
        load(copy.root)
    assert words in str(raised.value)
