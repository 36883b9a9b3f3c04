"""Invented people and organisations to try things with: `python -m scripts.demo_people`, called by scripts/run.

Only for an empty database in development, which serves this machine alone: there anyone can sign in as any of them,
since the stand-in gives a code for any openid. Run again, or where someone has signed in already, it does nothing.
"""

import asyncio
import sys
from datetime import date
from uuid import UUID

from tortoise.exceptions import BaseORMException, IntegrityError

from scripts import demo_work
from server import db
from server.app import unlock
from server.kernel import audit, clock, log
from server.kernel.content import ContentError
from server.kernel.transactions import transaction
from server.labour.fairness import Fairness
from server.organisations import memberships
from server.organisations import rules as standing
from server.organisations.models import Organisation, OrganisationState
from server.organisations.roles import Kind, Role
from server.organisations.secretariat import secretariat
from server.people import service as people
from server.people.models import Person
from server.settings import Settings, SettingsError

APPLIED, VERIFIED = OrganisationState.APPLIED, OrganisationState.VERIFIED
ORGANISATIONS = {
    "feeder-a": (Kind.FEEDER_SCHOOL, "迎江区江畔中学（示例）", "340802", VERIFIED),
    "feeder-b": (Kind.FEEDER_SCHOOL, "怀宁县枫林渡初级中学（示例）", "340822", VERIFIED),
    "secondary": (Kind.VOCATIONAL_SCHOOL, "宜秀区望湖中等职业学校（示例）", "340811", VERIFIED),
    "college": (Kind.VOCATIONAL_SCHOOL, "宜城江北职业学院（示例）", "340803", VERIFIED),
    "bureau": (Kind.AUTHORITY, "安庆市财政局（示例）", "340800", VERIFIED),
    "enterprise": (Kind.ENTERPRISE, "大观区澄江精密零部件有限公司（示例）", "340803", VERIFIED),
    "enterprise-2": (Kind.ENTERPRISE, "桐城青梧包装有限公司（示例）", "340881", APPLIED),
}
"""Key -> kind, name, region, state; the secretariat is made as everywhere."""
MEMBERS_SINCE = date(2019, 1, 1)
"""Both vocational schools are members of the group, since before anybody sent them a student."""

PEOPLE = {
    "demo-student": ("何小满", None, None),
    "demo-student-2": ("吴青禾", None, None),
    "demo-clerk-a": ("汪晓岚", "feeder-a", Role.CLERK),
    "demo-manager-a": ("程守正", "feeder-a", Role.MANAGER),
    "demo-clerk-b": ("胡一鸣", "feeder-b", Role.CLERK),
    "demo-manager-b": ("鲁知行", "feeder-b", Role.MANAGER),
    "demo-registrar": ("方静好", "secondary", Role.CLERK),
    "demo-registrar-college": ("江晚舟", "college", Role.CLERK),
    "demo-recruiter": ("钱程", "enterprise", Role.CLERK),
    "demo-manager-enterprise": ("孙立行", "enterprise", Role.MANAGER),
    "demo-recruiter-2": ("李楠", "enterprise-2", Role.CLERK),
    "demo-editor": ("周雯", "secretariat", Role.EDITOR),
    "demo-reviewer": ("郑思远", "secretariat", Role.REVIEWER),
    "demo-reviewer-2": ("王若谷", "secretariat", Role.REVIEWER),
    "demo-approver": ("冯毅", "secretariat", Role.APPROVER),
    "demo-approver-2": ("陈衡", "secretariat", Role.APPROVER),
    "demo-finance": ("褚敏", "secretariat", Role.FINANCE),
    "demo-admin": ("卫东明", "secretariat", Role.ADMIN),
}
"""Openid -> name, organisation, role."""


def main() -> int:
    """Load them where they may be; return the exit code."""
    try:
        settings = Settings.from_env()
    except SettingsError as error:
        return _refused(str(error))
    if settings.production:
        return _refused("they are for development only")
    log.configure(settings.log_level)
    unlock(settings)
    try:
        loaded = asyncio.run(_into(settings.database))
    except (OSError, BaseORMException, ContentError) as error:
        return _refused(f"{type(error).__name__}: {error}")
    if loaded:
        print(f"loaded {len(PEOPLE)} demo people in {len(ORGANISATIONS) + 1} organisations")
    return 0


async def load() -> bool:
    """Load them into the open database if it is empty; return whether it was."""
    if await _used():
        return False
    try:
        return await _load(demo_work.rules())
    except IntegrityError:  # another process is loading the same
        return False


async def _into(database: str) -> bool:
    async with db.opened(database, everywhere=True):
        return await load()


async def _used() -> bool:
    return await Person.exists() or await Organisation.exists()


@transaction
async def _load(rules: Fairness) -> bool:
    if await _used():
        return False
    organisations = {"secretariat": (await secretariat()).id}
    for key, (kind, name, region, state) in ORGANISATIONS.items():
        organisations[key] = await _organisation(kind, name, region, state)
    ids = {}
    for openid, (name, place, role) in PEOPLE.items():
        person = await Person.create(openid=openid, created_at=clock.now())
        ids[openid] = person.id
        await people.rename(person.id, name)
        if place and role:
            await memberships.join(organisations[place], person.id, role, by=None)
    await demo_work.load(
        ids, {openid: name for openid, (name, *_) in PEOPLE.items()}, organisations["enterprise"], rules
    )
    return True


async def _organisation(kind: Kind, name: str, region: str, state: OrganisationState) -> UUID:
    made = await Organisation.create(
        kind=kind, name=name, region=region, state=state, created_at=clock.now(),
        member_since=MEMBERS_SINCE if kind is Kind.VOCATIONAL_SCHOOL else None,
    )  # fmt: skip
    if state is not APPLIED:
        due_on = standing.due_on(kind, clock.today())
        await Organisation.filter(id=made.id).update(verified_at=made.created_at, due_on=due_on)
        subject = f"organisation:{made.id}"
        await audit.note(
            subject, "organisation.verified", actor_id=None, before=APPLIED, after=state, reason="示例数据"
        )
    return made.id


def _refused(why: str) -> int:
    print(f"no demo people: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
