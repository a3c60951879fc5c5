"""Lazy loading as it happens in life: an ORM's relationship that is first looked at while the response is serialized."""

from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, insert, select, text
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship

from ailing.databases import HOST

engine = create_engine(f"postgresql+psycopg://postgres@/postgres?host={HOST}", pool_size=2, max_overflow=0)
router = APIRouter()

# Any number that no other application on the database takes.
_SCHEMA_LOCK = 7_205_302


class _Base(DeclarativeBase):
    """The tables of this file."""


class Basket(_Base):
    """A basket, whose lines are loaded when they are first looked at."""

    __tablename__ = "baskets"
    id: Mapped[int] = mapped_column(primary_key=True)
    lines: Mapped[list["Line"]] = relationship()


class Line(_Base):
    """One line of a basket."""

    __tablename__ = "basket_lines"
    id: Mapped[int] = mapped_column(primary_key=True)
    basket_id: Mapped[int] = mapped_column(ForeignKey("baskets.id"))


class LineOut(BaseModel):
    """A line as it is sent."""

    model_config = ConfigDict(from_attributes=True)
    id: int


class BasketOut(BaseModel):
    """A basket as it is sent: with its lines, which nobody has asked for yet."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    lines: list[LineOut]


def make_tables() -> None:
    """Make five baskets of two lines, unless they are there; workers that start together take turns."""
    with engine.begin() as connection:
        connection.execute(text(f"select pg_advisory_xact_lock({_SCHEMA_LOCK})"))
        _Base.metadata.create_all(connection)
        if not connection.execute(select(Basket.id)).first():
            connection.execute(insert(Basket), [{"id": basket} for basket in range(5)])
            connection.execute(insert(Line), [{"id": line, "basket_id": line // 2} for line in range(10)])


def session() -> Iterator[Session]:
    """Open a session for one request."""
    with Session(engine) as opened:
        yield opened


@router.get("/lazy", response_model=list[BasketOut])
def lazy(opened: Annotated[Session, Depends(session)]) -> list[Basket]:
    """One statement in the handler, and one for each basket while the response is serialized."""
    return list(opened.scalars(select(Basket)))
