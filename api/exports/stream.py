"""Sends an export line by line, and says at its end where to go on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from uuid import UUID

import orjson
import structlog
from fastapi.responses import StreamingResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Message, Receive, Scope, Send

from api.exports.options import BEGINNING
from api.http.slow_readers import PATIENCE, PIECE, GivenUp
from models.database import Patience
from models.errors import LinkwakeError
from models.exports.columns import ExportFormat
from models.exports.export import Export, ExportPage
from services.process.turns import Turns

log = structlog.get_logger()

PAGE_PATIENCE = Patience(lock=2, statement=8, idle=30)
"""Two pages in a row are done before the time for an answer is over (`api/http/time_limit.py`)."""
SILENCE = 8.0
"""Seconds after which an export in which no row fits ends early, so that its caller hears from it."""
MEDIA_TYPES = {ExportFormat.CSV: "text/csv; charset=utf-8", ExportFormat.JSON_LINES: "application/x-ndjson"}

NextPage = Callable[[UUID], Awaitable[ExportPage]]


class ExportResponse(StreamingResponse):
    """Takes one of its organization's turns while it is sent. A client that does not read is given up."""

    def __init__(self, org_id: UUID, turns: Turns, name: str, format: ExportFormat, lines: AsyncIterator[bytes]) -> None:
        headers = {"Content-Disposition": f'attachment; filename="{name}.{format.value}"', "Cache-Control": "no-store"}
        super().__init__(lines, media_type=MEDIA_TYPES[format], headers=headers)
        self._org_id, self._turns = org_id, turns

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def in_time(message: Message) -> None:
            try:
                async with asyncio.timeout(PATIENCE):
                    await send(message)
            except TimeoutError:
                raise GivenUp from None

        async with self._turns.turn(self._org_id):
            await super().__call__(scope, receive, in_time)


async def write_lines(export: Export, first: ExportPage, after: UUID, next_page: NextPage) -> AsyncIterator[bytes]:
    """Yields pieces of the export, whose first page has been read. CSV has its header only at the very beginning, so that parts
    can be put together. When something goes wrong the last line says that the export is not complete."""
    page, rows, position, heard = first, 0, after, monotonic()
    if after == BEGINNING:
        yield export.header().encode()
    while True:
        for piece in _pieces(page.lines):
            yield piece
        rows, position = rows + page.rows, page.position
        heard = monotonic() if page.rows else heard
        if page.last or monotonic() - heard > SILENCE:
            break
        try:
            page = await next_page(position)
        except (SQLAlchemyError, LinkwakeError, TimeoutError, OSError) as error:
            log.warning("export ended early", org_id=str(export.org_id), error=type(error).__name__)
            yield trailer(export.format, position, rows, complete=False)
            return
    yield trailer(export.format, position, rows, complete=page.last and export.final)


def trailer(format: ExportFormat, position: UUID, rows: int, *, complete: bool) -> bytes:
    """The last line. Texts in CSV are quoted, so no row begins with `#cursor`."""
    cursor = None if position == BEGINNING else str(position)
    if format is ExportFormat.JSON_LINES:
        return orjson.dumps({"cursor": cursor, "rows": rows, "complete": complete}) + b"\n"
    return f"#cursor,{cursor or ''},rows,{rows},complete,{str(complete).lower()}{format.line_end}".encode()


def _pieces(lines: str) -> list[bytes]:
    data = lines.encode()
    return [data[start : start + PIECE] for start in range(0, len(data), PIECE)]
