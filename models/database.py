"""The connection to PostgreSQL: one engine for each process, handed on by the composition roots."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy import URL, make_url, text
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine


def engine_url(url: str) -> URL:
    """`postgresql://…` as people write it, for SQLAlchemy's psycopg driver."""
    return make_url(url).set(drivername="postgresql+psycopg")


def psycopg_url(url: str) -> str:
    """The same address for psycopg itself."""
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
    """What the address itself does not say."""
    return {name: value for name, value in NETWORK.items() if name not in make_url(url).query}


class Database:
    """A pool of connections and the sessions on it."""

    def __init__(self, url: str, pool_size: int = 8, *, repeatable: bool = False) -> None:
        """`repeatable`: what is committed is done again if it is lost, so a commit need not wait for the disk. A crash of
        PostgreSQL can lose the transactions of its last second, each as a whole."""
        options = "-c timezone=UTC" + (" -c synchronous_commit=off" if repeatable else "")
        # pre_ping: after a restart of PostgreSQL the first request gets a new connection instead of an error.
        self.engine = create_async_engine(
            engine_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"options": options, **network_options(url)},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    def session(self) -> AsyncSession:
        """A session that the caller closes and commits: `async with database.session() as session`."""
        return self._sessions()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        async with self._sessions.begin() as session:
            yield session

    async def ping(self) -> None:
        """Raises when PostgreSQL does not answer."""
        async with self.session() as session:
            await session.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()
