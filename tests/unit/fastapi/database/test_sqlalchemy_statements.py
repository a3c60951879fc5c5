"""What is sent on SQLAlchemy's connections: a statement is the application's, the rest is time in the database."""

import sqlite3
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, exc, literal, select, text
from sqlalchemy.dialects.sqlite.base import SQLiteExecutionContext
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import QueuePool

from apituner.fastapi.database.sqlalchemy_engine import watch_engine
from pooled import Exported, Request


def _watched(exported: Exported, *, pre_ping: bool = False) -> Engine:
    """Return an engine with one connection, which is open: the first of all is asked for more."""
    engine = create_engine("sqlite://", poolclass=QueuePool, pool_size=1, max_overflow=0, pool_pre_ping=pre_ping)
    watch_engine("main", engine, exported.signals)
    engine.connect().close()
    return engine


@pytest.fixture
def engine(exported: Exported) -> Iterator[Engine]:
    """Return it, without pre-ping."""
    made = _watched(exported)
    yield made
    made.dispose()


def test_a_statement_that_fails_took_its_time_too(engine: Engine, exported: Exported) -> None:
    """A statement that runs into its time limit is the slowest of all."""
    with engine.connect() as connection, pytest.raises(exc.OperationalError):
        connection.execute(text("select nothing from nowhere"))
    assert exported.statements("sqlite") == 1


def test_compiled_statements_are_still_kept(engine: Engine) -> None:
    """SQLAlchemy looks at each dialect class by itself for that, and compiling anew doubles the cost of a statement."""
    with engine.connect() as connection:
        for _ in range(2):
            kept = connection.execute(select(literal(1))).context.cache_hit
    assert kept.name == "CACHE_HIT"


def test_many_rows_at_once_are_a_statement_and_a_commit_is_none(engine: Engine, exported: Exported, request_under_way: Request) -> None:
    """Both are time in the database."""
    request_under_way.begin_again()
    with engine.begin() as connection:
        connection.execute(text("create table orders (number)"))
        connection.execute(text("insert into orders values (:number)"), [{"number": number} for number in range(3)])
    with engine.connect() as connection:
        connection.execute(text("select 1"))
    assert exported.statements("sqlite") == 3
    reset = ["database", "hold"]  # SQLAlchemy rolls back what was not committed, when a connection is given back
    assert request_under_way.asked() == ["wait", "statement", "statement", "database", *reset, "wait", "statement", "database", "hold"]


def test_to_try_a_connection_is_no_statement_of_the_application(exported: Exported, request_under_way: Request) -> None:
    """With pre-ping each connection is tried before it is lent again, while it is held: time in the database."""
    engine = _watched(exported, pre_ping=True)
    request_under_way.begin_again()
    engine.connect().close()
    assert request_under_way.asked() == ["wait", "database", "database", "hold"]  # tried, and rolled back in the end
    engine.dispose()


class _OwnCursor(sqlite3.Cursor):
    """A cursor that is written in Python, as those are that get their rows from the server part by part."""


@pytest.mark.parametrize(
    ("expected", "cursor"),
    [
        pytest.param(["wait", "statement", "database", "database", "hold"], _OwnCursor, id="each part is time in the database"),
        pytest.param(["wait", "statement", "database", "hold"], sqlite3.Cursor, id="a cursor written in C is left as it is"),
    ],
)
def test_rows_that_come_part_by_part(
    expected: list[str], cursor: type[sqlite3.Cursor], exported: Exported, request_under_way: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream waits for the server for as long as it lasts, and not only at its beginning."""

    class Context(SQLiteExecutionContext):
        def create_server_side_cursor(self) -> DBAPICursor:
            return self._dbapi_connection.cursor(cursor)

    monkeypatch.setattr(SQLiteDialect_pysqlite, "execution_ctx_cls", Context)
    monkeypatch.setattr(SQLiteDialect_pysqlite, "supports_server_side_cursors", True)
    engine = _watched(exported)
    request_under_way.begin_again()
    with engine.connect() as connection:
        assert connection.execution_options(stream_results=True).execute(text("select 1")).fetchmany(1) == [(1,)]
    assert request_under_way.asked() == expected
    engine.dispose()
