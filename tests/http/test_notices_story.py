"""The default run, as those whom it concerns hear of it: in the inbox and in WeChat, each thing once and readable.

One server with the demo people, WeChat and the clock played beside it.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import aiohttp
import pytest

from scripts.story.stage import Stage
from tests.harness import staged
from tests.labour.posting import vacancy
from tests.students.numbers import number_of

pytestmark = pytest.mark.once

FIRST, SECOND, REVIEWER = "demo-student", "demo-student-2", "demo-reviewer"
POSTER, MANAGER, FOLLOWER = "demo-recruiter", "demo-manager-enterprise", "service-manager"
"""The manager follows the service account, under the last of these names."""
PARTIES = FIRST, SECOND, POSTER, FOLLOWER
CLERK_A, MANAGER_A, CLERK_B, REGISTRAR = "demo-clerk-a", "demo-manager-a", "demo-clerk-b", "demo-registrar"
AGREED = {
    FIRST: {"application": 1},
    SECOND: {"application": 2, "work": 2},
    POSTER: {"hiring": 7, "work": 2},
    CLERK_A: {"import": 1, "referral": 4},
    CLERK_B: {"import": 1, "referral": 2},
    REGISTRAR: {"import": 1},
}
"""To how many pushes of which template: as many as there are, so that none is left over, and none is missing."""
DAY, PATIENCE, PAUSE = timedelta(days=1), 60.0, 0.2
ONE, TEA = "零部件包装工1名（示例）", "春茶采摘工"
WINDOW = ("生源登记开始了", "生源登记快截止了")
FEEDERS = ("何小满", number_of(date(2011, 5, 5))), ("吴青禾", number_of(date(2011, 6, 7)))

Said = tuple[str, ...]


@pytest.fixture(scope="module")
async def run(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    async with staged.opened(tmp_path_factory.mktemp("run"), database_url) as opened:
        await opened.come_to(date.today() + DAY)  # noqa: DTZ011 -- a morning that has not been yet
        for who, templates in AGREED.items():
            await opened.ask(who, "GET", "/me")
            for template, times in templates.items():
                accepts = {"openid": who, "template_id": f"standin-{template}", "results": ["accept"] * times}
                await pulled(opened, "permissions", **accepts)
        await opened.ask(MANAGER, "GET", "/me")
        await pulled(opened, "followers", openid=FOLLOWER, unionid=f"union-{MANAGER}")
        await known(opened)
        yield opened


async def pulled(run: Stage, lever: str, **order: Any) -> Any:
    async with run.client.post(f"{run.standin}/control/{lever}", json=order) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def seen(run: Stage, what: str) -> Any:
    async with run.client.get(f"{run.standin}/control/{what}") as answer:
        return await answer.json()


async def known(run: Stage) -> None:
    """Wait until the server has asked who it is that follows."""
    end = time.monotonic() + PATIENCE
    while "/cgi-bin/user/info" not in (await seen(run, "calls"))["totals"]:
        assert time.monotonic() < end
        await asyncio.sleep(PAUSE)


async def inbox(run: Stage, who: str) -> list[tuple[str, str]]:
    """Title and text of what somebody was told, the oldest first; days of the calendar apart."""
    found = [(one["title"], one["text"]) for one in reversed(await run.all_of(who, "/notices"))]
    return [one for one in found if one[0] not in WINDOW]


async def pushes(run: Stage, openid: str) -> list[Said]:
    """The values of every message that reached somebody in WeChat but the moment, the oldest first."""
    found = (await seen(run, f"messages?openid={openid}"))["items"]
    values = [{key: entry["value"] for key, entry in message["data"].items()} for message in found]
    return [tuple(one[key] for key in sorted(one, key=_place) if not key.startswith("time")) for one in values]


def _place(key: str) -> int:
    """Where it stands in its template: `phrase2` is the second."""
    return int(key.lstrip("abcdefghijklmnopqrstuvwxyz_"))


async def heard(
    run: Stage, who: str, told: Sequence[str], pushed: Sequence[Said], openid: str = ""
) -> Mapping[str, str]:
    """Wait until somebody has heard so much, and compare: these titles in the inbox, these messages in WeChat.

    Return the texts in the inbox.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        notices, messages = await inbox(run, who), await pushes(run, openid or who)
        if len(notices) >= len(told) and len(messages) >= len(pushed):
            break
        await asyncio.sleep(PAUSE)
    assert Counter(title for title, _text in notices) == Counter(told), who
    assert Counter(messages) == Counter(pushed), who
    return dict(notices)


async def arrived(run: Stage, pushed: int, *openids: str) -> None:
    """Wait until so many messages have reached these people: what becomes outdated before it is sent is left unsent."""
    end = time.monotonic() + PATIENCE
    while (there := sum([len(await pushes(run, openid)) for openid in openids])) < pushed:
        assert time.monotonic() < end, there
        await asyncio.sleep(PAUSE)


async def deed(run: Stage, who: str, one: dict[str, Any], verb: str, pushed: int, **said: Any) -> None:
    """Do it, and wait until the parties have been pushed so much in all."""
    await run.ask(who, "POST", f"/engagements/{one['id']}/{verb}", said, status=200)
    await arrived(run, pushed, *PARTIES)


def working_day(day: date) -> date:
    return day + {6: 2 * DAY, 7: DAY}.get(day.isoweekday(), 0 * DAY)


async def posted(run: Stage, body: dict[str, Any], pushed: int) -> None:
    """Post what is returned once and then published; its poster and manager hear of both."""
    made = await run.ask(POSTER, "POST", "/postings", body)
    for verdict, reasons in (("return", [{"field": "", "text": "请写明住宿"}]), ("publish", [])):
        pushed += 2
        sent = await run.ask(POSTER, "POST", f"/postings/{made['id']}/submit")
        await run.ask(REVIEWER, "GET", "/me")
        headers = {"Authorization": f"Bearer {run.tokens[REVIEWER]}", "If-Match": f'"{sent["version"]}"'}
        url, said = f"{run.base}/api/v1/postings/{made['id']}/decision", {"verdict": verdict, "reasons": reasons}
        async with run.client.post(url, json=said, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
        await arrived(run, pushed, *PARTIES)


async def test_a_posting_and_its_engagements(run: Stage) -> None:
    found = await run.ask(FIRST, "GET", "/postings?side=demand")
    one = next(item for item in found["items"] if item["headcount"] == 1)
    first, second = [await run.ask(who, "POST", f"/postings/{one['id']}/engagements") for who in (FIRST, SECOND)]
    await arrived(run, 4, *PARTIES)
    await deed(run, POSTER, first, "accept", 8)
    await deed(run, FIRST, first, "withdraw", 13, reason="家里有事，来不了了")
    tea = vacancy(title=TEA)
    until = date.fromisoformat(tea["valid_until"])
    await posted(run, tea, 13)
    starts = date.fromisoformat(one["starts_on"])
    day = f"{starts.year}年{starts.month}月{starts.day}日"
    both = [
        (ONE, "有新报名", "1人报名，请尽快答复"), (ONE, "有新报名", "1人报名，请尽快答复"),
        (ONE, "名额已满", "后来报名的人进入候补名单"), (ONE, "有人退出", "1人退出，有候补时自动补上"),
        (ONE, "候补录用", "候补的1人已自动转为录用"), (TEA, "需要修改", "请查看原因，改好后再提交"),
        (TEA, "已发布", f"有效期到{until.year}年{until.month}月{until.day}日"),
    ]  # fmt: skip
    titles = ["有人报名", "有人报名", "名额已满", "有人退出", "候补人员已转为录用", "信息需要修改", "信息已发布"]
    texts = await heard(run, FIRST, ["您已被录用"], [(ONE, "已录用", f"{day}开工，请按时到岗"[:20])])
    assert texts["您已被录用"].startswith(f"您在“{ONE}”的报名已被录用，开工日期是{day}。")
    waited = ["您在候补名单上", "候补成功，您已被录用"]
    taken = [(ONE, "候补中", "名额已满，有空位会自动录用并通知您"), (ONE, "已录用", f"候补成功，{day}开工"[:20])]
    await heard(run, SECOND, waited, taken)
    await heard(run, POSTER, titles, both)
    await heard(run, MANAGER, titles, both, openid=FOLLOWER)

    await run.come_to(working_day(starts))
    await deed(run, SECOND, second, "attend", 17)
    await deed(run, SECOND, second, "complete", 19, minutes=480)
    await deed(run, POSTER, second, "complete", 20, minutes=480)
    await deed(run, POSTER, second, "confirm-paid", 21, fen=17600)
    await deed(run, SECOND, second, "confirm-paid", 23, fen=17600)
    await heard(run, SECOND, [*waited, "用工已完成", "请确认工资已收到"], [*taken, *(
        (ONE, "已做完", "收到工资请确认，没收到可以反映"), (ONE, "待您确认", "用人单位说工资已付，请核对"),
    )])  # fmt: skip
    titles += ["有人确认到岗", "请确认已经做完", "工资已确认付清"]
    both += [(ONE, "待您确认", "对方说已做完，请您也确认"), (ONE, "工资付清", "双方都已确认")]
    await heard(run, POSTER, titles, both)
    await heard(run, MANAGER, titles, both, openid=FOLLOWER)
    assert await pushes(run, MANAGER) == []  # who follows the service account hears of it there


async def listed(run: Stage, who: str, kind: str, count: int, year: int, **more: str) -> list[str]:
    rows = [{"学生姓名": name, "身份证号": number, "层次": "中职", **more} for name, number in FEEDERS[:count]]
    for row in rows if kind == "enrolments" else ():
        row |= {"入学日期": f"{year}-09-01", "学籍号": f"G{row['身份证号']}"}
    sent = await run.send_list(who, kind, rows, year=year, intake="autumn")
    return await run.subjects(who, kind, sent)


async def test_claims_on_students(run: Stage) -> None:
    year = run.day.year + 1
    await run.come_to(date(year, 9, 5))
    named = {"输送学校": (await run.school_of(REGISTRAR))["name"]}
    own, other = [
        await listed(run, who, "referrals", count, year, **named) for who, count in ((CLERK_A, 2), (CLERK_B, 1))
    ]
    await arrived(run, 4, CLERK_A, CLERK_B)
    await listed(run, REGISTRAR, "enrolments", 2, year)
    await arrived(run, 5, CLERK_A, CLERK_B)
    for who, claim in ((CLERK_A, own[0]), (CLERK_B, other[0])):
        form = aiohttp.FormData({"note": "附升学志愿表"}, default_to_multipart=True)
        await run.ask(who, "POST", f"/referrals/{claim}/evidence", form)
    await run.ask(REVIEWER, "POST", f"/referrals/{own[0]}/decision", {"verdict": "uphold", "reason": "志愿表为证"})
    first = (await run.ask(CLERK_A, "GET", f"/referrals/{own[0]}"))["number"]
    lost = (await run.ask(CLERK_B, "GET", f"/referrals/{other[0]}"))["number"]
    imported, matched, upheld = "名单已处理完", "多份生源登记已匹配", "生源登记已认定"
    decided = [
        ("生源登记名单", "2", "0"), (f"生源登记{first}", "有争议", "请在期限内提交证据"),
        ("2份生源登记", "已匹配", "已与学籍匹配，等核定日确认"), (f"生源登记{first}", "已认定", "秘书处认定了这份登记"),
    ]  # fmt: skip
    rejected = [
        ("生源登记名单", "1", "0"), (f"生源登记{lost}", "有争议", "请在期限内提交证据"),
        (f"生源登记{lost}", "没有认定", "请查看理由，可以申诉一次"),
    ]  # fmt: skip
    texts = await heard(run, CLERK_A, [imported, "生源登记有争议", matched, upheld], decided)
    assert texts[matched] == "有2份生源登记已与成员学校的学籍匹配，等核定日确认。"
    assert texts[upheld] == f"秘书处认定了生源登记{first}（{year}年入学）。"
    await heard(run, MANAGER_A, ["生源登记有争议", matched, upheld], [])  # who agreed to no push has the inbox alone

    await run.come_to(date(year, 11, 21))
    confirmed = "多份生源登记已确认"
    said = [*decided, ("2份生源登记", "已确认", "已按核定日的学籍状态确认")]
    await heard(run, CLERK_A, [imported, "生源登记有争议", matched, upheld, confirmed], said)
    await heard(run, MANAGER_A, ["生源登记有争议", matched, upheld, confirmed], [])
    await heard(run, CLERK_B, [imported, "生源登记有争议", "生源登记没有认定"], rejected)
    await heard(run, REGISTRAR, [imported], [("录取名单", "2", "0")])
