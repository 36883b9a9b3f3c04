"""It may run for days: nothing that it remembers grows without end."""

import asyncio

import pytest

from server.secrets import DEVELOPMENT_MINI_PROGRAM as MINI
from server.secrets import DEVELOPMENT_SERVICE_ACCOUNT as SERVICE
from server.standin import events, world
from server.standin.events import Events
from server.standin.faults import Fault, Faults
from server.standin.templates import Side, Template
from server.standin.world import Phone, World

ACCOUNTS = {Side.MINI_PROGRAM: MINI, Side.SERVICE_ACCOUNT: SERVICE}
MOST = 50


def test_the_world_keeps_the_newest_of_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PEOPLE", "CODES", "MESSAGES", "CALLS", "MOST_TEMPLATES"):
        monkeypatch.setattr(world, name, MOST)
    found = World(ACCOUNTS)
    for number in range(MOST * 3):
        who = f"person-{number}"
        template = Template(f"template-{number}", ("thing1",))
        found.add(template)
        for side in Side:
            found.meet(side, who)
        found.sign_in_codes.issue(who)
        found.phone_codes.issue(Phone("13800000000"))
        found.answered(who, template.id, "accept", withdrawn=False)
        number_of_message = found.deliver(template, who, {}, "")
        moment = found.messages[-1].at
        found.sent[who, "client-id"] = (number_of_message, moment)
        found.pushed[who] = [moment]
        found.calls.append({})
        found.faults.add(Fault("*", errcode=number))
    kept = [found.people[side] for side in Side]
    kept += [found.sign_in_codes, found.phone_codes, found.permissions, found.sent, found.pushed]  # type: ignore[list-item]
    kept += [found.messages, found.calls, found.templates]  # type: ignore[list-item]
    assert [len(one) for one in kept] == [MOST] * len(kept)
    assert len(found.faults) == Faults.MOST
    assert f"person-{MOST * 3 - 1}" in found.people[Side.MINI_PROGRAM]


async def test_so_do_events_even_while_nobody_takes_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", MOST)
    monkeypatch.setattr(events, "MOST_WAITING", MOST)
    sender = Events(ACCOUNTS, "http://127.0.0.1:9")
    before = len(asyncio.all_tasks())
    told = [sender.send(Side.MINI_PROGRAM, f"person-{number}", "x", {}) for number in range(MOST * 3)]
    assert len(asyncio.all_tasks()) - before <= MOST
    assert [telling.outcome for telling in told[MOST:]] == ["failed"] * MOST * 2
    assert len(sender.recent()) == MOST
    await sender.close()
    assert len(asyncio.all_tasks()) <= before
