"""The connection to PostgreSQL: one engine for each process, handed on by the composition roots."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, NamedTuple

from sqlalchemy import URL, event, make_url, text
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine


def engine_url(url: str) -> URL:
    """Turns `postgresql://…`, as people write it, into the address for SQLAlchemy's psycopg driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def psycopg_url(url: str) -> str:
    """Returns the same address for psycopg itself."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


# A server whose machine or network is gone says nothing, and TCP by itself waits a quarter of an hour for it.
NETWORK: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


def network_options(url: str) -> dict[str, Any]:
    """Options that the address itself does not set."""
    return {name: value for name, value in NETWORK.items() if name not in make_url(url).query}


class Patience(NamedTuple):
    """Seconds after which PostgreSQL itself ends what takes too long: waiting for a lock, a statement, and a transaction whose
    process asks for nothing more. Work that fails because of it can be done again."""

    lock: float
    statement: float
    idle: float

    def settings(self) -> dict[str, str]:
        """Returns PostgreSQL's settings, in milliseconds."""
        names = {"lock_timeout": self.lock, "statement_timeout": self.statement, "idle_in_transaction_session_timeout": self.idle}
        return {name: f"{seconds * 1000:.0f}" for name, seconds in names.items()}

    def options(self) -> str:
        return "".join(f" -c {name}={value}" for name, value in self.settings().items())


REQUESTS = Patience(lock=5, statement=60, idle=60)
"""The patience of the API and the redirect. A request that writes is given up after 60 seconds in any case
(`api/http/time_limit.py`)."""
WORK = Patience(lock=60, statement=600, idle=600)
"""The patience of the worker, whose longest batches take minutes. An activity that fails because of it is tried again."""


PING_AFTER = 1.0
"""Seconds. A connection that has not been used for this long is asked first whether it still works, so that the first request
after a restart of PostgreSQL gets a new connection instead of an error. One that is in use all the time is not asked, because a
ping costs as much as a statement, and a transaction often has only one or two of them."""


def _ping_after_a_rest(engine: AsyncEngine) -> None:
    dialect = engine.sync_engine.dialect

    @event.listens_for(engine.sync_engine, "checkin")
    def _came_back(_connection: object, record: Any) -> None:
        record.info["used_at"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def _goes_out(connection: Any, record: Any, _proxy: object) -> None:
        used_at = record.info.get("used_at")  # None means that it is new
        if used_at is None or monotonic() - used_at < PING_AFTER:
            return
        try:
            dialect.do_ping(connection)
        except dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error  # the pool makes new connections instead of all that it has


class Database:
    """A pool of connections and the sessions on it."""

    def __init__(self, url: str, pool_size: int = 8, *, patience: Patience | None = None, repeatable: bool = False) -> None:
        """With `patience` None it waits for as long as it takes. `repeatable` says that committed work is done again if it is
        lost, so a commit need not wait for the disk. A crash of PostgreSQL can then lose the transactions of its last second,
        each as a whole."""
        options = "-c timezone=UTC" + (" -c synchronous_commit=off" if repeatable else "")
        options += patience.options() if patience else ""
        self.engine = create_async_engine(
            engine_url(url),
            pool_size=pool_size,
            max_overflow=0,
            hide_parameters=True,  # parameters are texts, names and addresses of people
            connect_args={"options": options, **network_options(url)},
        )
        _ping_after_a_rest(self.engine)
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._single = async_sessionmaker(alone, expire_on_commit=False)

    def session(self) -> AsyncSession:
        """Returns a session that the caller closes and commits: `async with database.session() as session`."""
        return self._sessions()

    @asynccontextmanager
    async def transaction(self, patience: Patience | None = None) -> AsyncIterator[AsyncSession]:
        """Runs one transaction, which is committed when the block ends and rolled back when it raises. With `patience` None it
        has the patience of this pool."""
        async with self._sessions.begin() as session:
            if patience is not None:
                settings = patience.settings()
                limit = ", ".join(f"set_config('{name}', :{name}, true)" for name in settings)
                await session.execute(text(f"SELECT {limit}"), settings)
            yield session

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncSession]:
        """Runs one statement, which is a transaction by itself. It takes one trip to PostgreSQL; a transaction takes two more, to
        begin and to commit. With several statements, each would be committed alone."""
        async with self._single.begin() as session:
            yield session

    async def ping(self) -> None:
        """Raises when PostgreSQL does not answer."""
        async with self.statement() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
