"""A connection of the redirect's own that stores clicks and does nothing else: two prepared statements, each one round trip.

It uses libpq (`psycopg.pq`) and not cursors, because every click waits for it: a batch takes the redirect's processor a third of
the time that `COPY` by a cursor takes (decision 0009).
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Self

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus
from psycopg.pq.abc import PGconn, PGresult

from models.database import network_options, psycopg_url

BINARY = 1
DONE = (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK, ExecStatus.EMPTY_QUERY)


class ClickConnection:
    """Makes one call at a time, each of which is a transaction. Raises psycopg's errors. After an error that is not about what
    was stored, and after a call that was cancelled, the connection can only be closed."""

    def __init__(self, connection: psycopg.AsyncConnection) -> None:
        self._connection = connection
        self._pgconn: PGconn = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._socket = self._pgconn.socket
        self._loop.add_reader(self._socket, self._read)

    @classmethod
    async def open(cls, url: str, statements: Mapping[str, str]) -> Self:
        """`statements` are those that may be run, by name."""
        url = psycopg_url(url)
        connection = await psycopg.AsyncConnection.connect(
            url, autocommit=True, application_name="linkwake-redirect", **network_options(url)
        )
        opened = cls(connection)
        try:
            for name, statement in statements.items():
                opened._pgconn.send_prepare(name.encode(), statement.encode())
                await opened._answered()
        except BaseException:
            await opened.close()
            raise
        return opened

    async def run(self, name: str, parameters: Sequence[bytes]) -> list[list[bytes | None]]:
        """Returns the rows that the statement returns. Parameters and values are in PostgreSQL's binary form."""
        self._pgconn.send_query_prepared(name.encode(), parameters, [BINARY] * len(parameters), BINARY)
        result = await self._answered()
        return [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]

    async def ping(self) -> None:
        self._pgconn.send_query(b"")
        await self._answered()

    async def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        await self._connection.close()

    async def _answered(self) -> PGresult:
        self._answer, self._result = self._loop.create_future(), None
        if self._pgconn.flush():  # more than fits into the socket
            self._loop.add_writer(self._socket, self._write)
        try:
            result = await self._answer
        finally:
            self._answer = None
        if result.status not in DONE:
            raise _error(result)
        return result

    def _write(self) -> None:
        try:
            if self._pgconn.flush() == 0:
                self._loop.remove_writer(self._socket)
        except psycopg.Error as error:
            self._break(error)

    def _read(self) -> None:
        try:
            self._pgconn.consume_input()
            while self._answer is not None and not self._pgconn.is_busy():
                result = self._pgconn.get_result()
                if result is None:
                    return self._end()
                self._result = result  # the only result, because one statement was sent
        except psycopg.Error as error:
            self._break(error)

    def _end(self) -> None:
        """The answer is complete. Nothing happens when nothing was asked, or when nobody waits any more."""
        if self._answer is not None and not self._answer.done() and self._result is not None:
            self._answer.set_result(self._result)

    def _break(self, error: psycopg.Error) -> None:
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def _error(result: PGresult) -> psycopg.Error:
    """Returns the error that psycopg's cursors would raise."""
    state = (result.error_field(DiagnosticField.SQLSTATE) or b"").decode()
    try:
        kind = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.DatabaseError
    return kind((result.error_field(DiagnosticField.MESSAGE_PRIMARY) or b"").decode(errors="replace"))
