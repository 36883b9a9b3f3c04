"""The same pages of postings by FastAPI and SQLAlchemy's ORM, as somebody used to them would write them.

Deep pages by OFFSET, words by ILIKE.
"""

import os
import sys
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import uvicorn
from fastapi import Depends, FastAPI, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship
from sqlalchemy.types import DateTime


class Base(DeclarativeBase):
    """Of the tables."""

    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012 -- SQLAlchemy's own shape


class Organisation(Base):
    """Who posts."""

    __tablename__ = "organisation"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str]
    name: Mapped[str]
    state: Mapped[str]


class Posting(Base):
    """A posting, as far as a list shows it."""

    __tablename__ = "posting"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    version: Mapped[int]
    side: Mapped[str]
    kind: Mapped[str]
    supplier: Mapped[str | None]
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisation.id"))
    organisation: Mapped[Organisation] = relationship()
    title: Mapped[str]
    occupation: Mapped[str | None]
    major: Mapped[str | None]
    region: Mapped[str | None]
    address: Mapped[str]
    description: Mapped[str] = mapped_column(deferred=True)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    headcount: Mapped[int | None]
    filled: Mapped[int]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    shift: Mapped[str]
    pay_fen: Mapped[int | None]
    pay_unit: Mapped[str | None]
    hourly_fen: Mapped[int | None]
    settlement: Mapped[str | None]
    age_min: Mapped[int | None]
    age_max: Mapped[int | None]
    valid_until: Mapped[date | None]
    state: Mapped[str]
    meals: Mapped[bool]
    lodging: Mapped[bool]
    transport: Mapped[bool]
    state_since: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]


class OrganisationView(BaseModel):
    """Who posts."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    name: str
    kind: str


class PostingView(BaseModel):
    """A posting in a list."""

    model_config = ConfigDict(from_attributes=True)
    id: UUID
    version: int
    side: str
    kind: str
    supplier: str | None
    title: str
    occupation: str | None
    major: str | None
    region: str | None
    address: str
    latitude: float | None
    longitude: float | None
    headcount: int | None
    filled: int
    starts_on: date | None
    ends_on: date | None
    shift: str
    pay_fen: int | None
    pay_unit: str | None
    hourly_fen: int | None
    settlement: str | None
    age_min: int | None
    age_max: int | None
    valid_until: date | None
    state: str
    meals: bool
    lodging: bool
    transport: bool
    state_since: datetime
    submitted_at: datetime | None
    published_at: datetime | None
    organisation: OrganisationView
    distance_m: int | None = None


class Asked(BaseModel):
    """What a list is asked for."""

    side: str
    region: str | None = None
    kind: str | None = None
    meals: bool | None = None
    q: str | None = None
    offset: int = 0


class PageView(BaseModel):
    """A page."""

    items: list[PostingView]


def build(database: str, host: str) -> FastAPI:
    """Return the app."""
    app = FastAPI()
    engine = create_async_engine(f"postgresql+asyncpg://postgres@/{database}?host={host}", pool_size=10, max_overflow=0)
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    async def session() -> AsyncIterator[AsyncSession]:
        async with sessions() as opened:
            yield opened

    @app.get("/api/v1/postings", response_model=PageView)
    async def page(
        asked: Annotated[Asked, Query()],
        opened: Annotated[AsyncSession, Depends(session)],
    ) -> Any:
        live = (
            select(Posting).join(Posting.organisation).where(Posting.state == "live", Organisation.state == "verified")
        )
        today = date.today()  # noqa: DTZ011 -- a peer asks as its writers do
        wanted = live.where(Posting.side == asked.side, Posting.valid_until >= today)
        for column, value in ((Posting.region, asked.region), (Posting.kind, asked.kind), (Posting.meals, asked.meals)):
            if value is not None:
                wanted = wanted.where(column == value)
        if asked.q:
            like = f"%{asked.q}%"
            wanted = wanted.where(Posting.title.ilike(like) | Posting.description.ilike(like))
        newest = wanted.order_by(Posting.published_at.desc(), Posting.id.desc()).offset(asked.offset).limit(20)
        return {"items": (await opened.scalars(newest.options(joinedload(Posting.organisation)))).all()}

    @app.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    return app


if __name__ == "__main__":
    uvicorn.run(
        build(*sys.argv[1:]),
        host="127.0.0.1",
        port=int(os.environ["YZT_PORT"]),
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
    )
