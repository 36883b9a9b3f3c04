"""Every figure of the five documents stands in the clause that tells it, and no other one does."""

import re

import pytest

from server.policy.book import PolicyBook

# The figures of each clause as the document has them; a numeral written in Chinese (九个, 一期) counts as well.
FIGURES = {
    "aq-2019-6/2": "2019 2020",
    "aq-2019-6/23": "9",
    "aq-2019-6/26": "20",
    "aq-2019-6/28": "2019",
    "aq-2019-6/s2": "2019",
    "aq-2019-6/r1": "20",
    "aq-2019-7/1.2": "1",
    "aq-2019-7/2": "10万 20 2018 409",
    "aq-2019-7/3.2": "2018 409 50万",
    "aq-2019-7/3.5": "2019",
    "aq-2019-7/4.1": "20%",
    "aq-2019-7/4.3": "500",
    "aq-2019-7/5.1": "2019",
    "aq-2019-7/5.2": "500",
    "aq-2019-7/5.3": "1000",
    "aq-2019-7/5.4": "1200",
    "aq-2019-7/5.5": "1 1000",
    "aq-2019-7/6.1": "1000 30% 6",
    "aq-2019-7/6.2": "1 1500",
    "aq-2019-7/6.3": "1 2018 3000 409",
    "aq-2019-7/6.4": "1",
    "aq-2019-7/7.1": "1",
    "aq-2024-91/g3": "1.4万 1万 2 2027 4万 50%",
    "aq-2024-91/1": "1 2",
    "aq-2024-91/5": "2 3 9",
    "aq-2024-91/9": "100万 2 50万",
    "aq-2024-91/10": "3 30万",
    "aq-2024-91/11": "10万 20",
    "aq-2024-91/12": "20%",
    "aq-2024-91/15": "1000 500",
    "aq-2024-91/16": "2024 2025 2026 2027 40% 42% 45% 50%",
    "aq-2024-91/s2": "2024 2027 500万 50万",
    "aq-annex-29/1": "20 3 6 75%",
    "aq-annex-29/4": "2万 75%",
    "aq-annex-29/5": "5万",
    "aq-annex-29/6": "2.5万",
    "aq-annex-29/7": "10 2025 5000",
    "aq-annex-29/9": "100 2025",
    "aq-annex-29/10": "10万 50万 80万",
    "aq-annex-29/14": "1 2025",
    "aq-annex-29/15": "20",
    "aq-annex-29/16": "1 2025",
    "aq-annex-29/17": "20万",
    "aq-annex-29/19": "200 6000",
    "aq-annex-29/20": "2000",
    "aq-annex-29/21": "1万",
    "aq-annex-29/24": "3 300 6",
    "aq-annex-29/26": "1 70%",
    "cz-2018-28/2": "3 30 5",
    "cz-2018-28/4": "2018",
    "cz-2018-28/5": "12 6",
    "cz-2018-28/6": "3",
    "cz-2018-28/19": "3",
    "cz-2018-28/21": "1000",
    "cz-2018-28/22": "100 200 3 6",
    "cz-2018-28/23": "1200 1800 2017 500 57",
    "cz-2018-28/24": "10% 1000 1500 2000 36",
}

# Figures in words, and those that stand before the first clause.
WORDS = {
    "aq-2019-6": "三年 2018年 翻一番 70%以上",
    "aq-2019-7": "2019年 三年 70%",
    "cz-2018-28": "国办发〔2017〕95号",
    "aq-2019-6/1": "十三五",
    "aq-2019-6/s1": "每旬调度一次 每周会商一次",
    "aq-2019-6/r1": "年度目标",
    "aq-2019-7/1.1": "全覆盖",
    "aq-2019-7/5.1": "全部学费",
    "aq-2019-7/6.4": "一年学费",
    "aq-2019-7/8.1": "每年",
    "aq-2024-91/g1": "三业 四链",
    "aq-2024-91/g2": "四条",
    "aq-2024-91/1": "1+2+2+N",
    "aq-2024-91/5": "3+2 五年一贯制",
    "aq-2024-91/13": "十四五",
    "aq-2024-91/10": "六位一体",
    "aq-2024-91/11": "五个一体化",
    "aq-annex-29/1": "6+3+X",
    "aq-annex-29/21": "每班每年",
    "aq-annex-29/24": "每人每月",
    "cz-2018-28/3": "每季度",
    "cz-2018-28/5": "6月、12月",
    "cz-2018-28/19": "三年行动计划",
    "cz-2018-28/26": "每年公布",
}


def figures(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:\.\d+)?(?:%|万)?", text))


def told(book: PolicyBook, place: str) -> str:
    if place in book.clauses:
        return book.clauses[place].summary
    preamble = book.policies[place].preamble
    assert preamble
    return preamble.summary


@pytest.mark.parametrize(("clause", "expected"), FIGURES.items())
def test_a_clause_keeps_every_figure(book: PolicyBook, clause: str, expected: str) -> None:
    assert figures(book.clauses[clause].summary) == set(expected.split())


def test_no_other_clause_has_a_figure(book: PolicyBook) -> None:
    assert {clause.id for clause in book.clauses.values() if figures(clause.summary)} == set(FIGURES)


@pytest.mark.parametrize(("place", "words"), WORDS.items())
def test_a_figure_in_words_is_kept(book: PolicyBook, place: str, words: str) -> None:
    text = told(book, place)
    assert [word for word in words.split() if word not in text] == []
