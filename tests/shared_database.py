"""One migrated database and one engine for the tests of a process: emptied after each, because to make both takes longer than
most tests do. A new one is a copy of a template, which is migrated once."""

from typing import Self
from uuid import uuid4

import psycopg
from alembic import command
from psycopg.sql import SQL, Identifier

from migrations.config import alembic_config
from models.database import Database, psycopg_url
from stack.servers.postgres import EmbeddedPostgres

POOL_SIZE = 5
SMALL = 256 * 1024
"""Bytes. Rows of smaller tables are deleted: to give a table and its indexes new files takes longer."""

# Without partitions, which are made when there are clicks for them.
SHAPE = """
SELECT count(*), sum(relnatts), sum(relchecks) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND NOT relispartition
"""
USED = """
SELECT relname, pg_relation_size(oid) FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0
"""
RESTART = "SELECT setval(format('%I.%I', schemaname, sequencename), start_value, false) FROM pg_sequences WHERE last_value > 0"
OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class SharedDatabase:
    """`open()` before a test, `close()` after it. A database whose tables a test has changed is replaced by a new one."""

    def __init__(self, server: EmbeddedPostgres, admin: psycopg.Connection) -> None:
        self._server, self._admin = server, admin
        self._name = ""
        self._template = ""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._name:
            await self._drop()

    def open(self) -> str:
        """The URL of the empty database."""
        if not self._name:
            self._make()
        return self._server.url(self._name)

    async def renew(self) -> None:
        """The next `open()` is of a database that nobody has used: nothing is left of rows that were deleted."""
        if self._name:
            await self._drop()

    async def close(self) -> None:
        if self._own.execute(SHAPE).fetchone() == self._shape:
            await self._empty()
        else:
            await self._drop()

    def _make(self) -> None:
        if not self._template:
            self._template = f"migrated_{uuid4().hex}"
            self._admin.execute(SQL("CREATE DATABASE {}").format(Identifier(self._template)))
            command.upgrade(alembic_config(self._server.url(self._template)), "head")
        self._name = f"test_{uuid4().hex}"
        copied = SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(self._name), Identifier(self._template))
        self._admin.execute(copied)
        url = self._server.url(self._name)
        self.database = Database(url, POOL_SIZE)
        self._own = psycopg.connect(psycopg_url(url), autocommit=True, options="-c lock_timeout=2s")
        self._own.execute("SET session_replication_role = replica")  # rows go in any order, whatever refers to what
        self._shape = self._own.execute(SHAPE).fetchone()

    async def _empty(self) -> None:
        try:
            _delete(self._own)
        except psycopg.errors.LockNotAvailable:  # a test was stopped in the middle of a transaction
            await self.database.close()
            self._own.execute(OTHERS)
            _delete(self._own)

    async def _drop(self) -> None:
        await self.database.close()
        self._own.close()
        self._admin.execute(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self._name)))
        self._name = ""


def _delete(connection: psycopg.Connection) -> None:
    used = connection.execute(USED).fetchall()
    large = [Identifier(name) for name, size in used if size > SMALL]
    if large:
        connection.execute(SQL("TRUNCATE {} CASCADE").format(SQL(", ").join(large)))
    for name, size in used:
        if size <= SMALL:
            connection.execute(SQL("DELETE FROM {}").format(Identifier(name)))
    connection.execute(RESTART)
