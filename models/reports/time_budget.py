"""The end of statements that read as many rows as their caller asks for."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from sqlalchemy import CursorResult, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import TooMuch

STATEMENT_ENDED = "57014"
"""PostgreSQL's code for a statement that was ended by `statement_timeout`."""


class TimeBudget:
    """The seconds that several statements of a transaction may take together, from now on. Afterwards the transaction's own limit
    is that of the last statement."""

    def __init__(self, session: AsyncSession, seconds: float, fields: Mapping[str, str]) -> None:
        """`fields`: which fields of the request to narrow, each with how."""
        self._session, self._end, self._fields, self._seconds = session, monotonic() + seconds, fields, seconds

    async def execute(self, statement: str, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Raises TooMuch when the time is over. The transaction, or its savepoint, can only be rolled back then."""
        rest = self._end - monotonic()
        if rest <= 0:
            raise self._too_much()
        limit = {"rest": f"{max(rest * 1000, 1):.0f}ms"}
        await self._session.execute(text("SELECT set_config('statement_timeout', :rest, true)"), limit)
        try:
            found: CursorResult[Any] = await self._session.execute(text(statement), dict(values))  # type: ignore[assignment]
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == STATEMENT_ENDED:
                raise self._too_much() from None
            raise
        return found

    def _too_much(self) -> TooMuch:
        return TooMuch.of(f"This reads more rows than {self._seconds:g} seconds are enough for.", self._fields)
