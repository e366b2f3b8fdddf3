"""A snapshot that is given away is a place that a crash does not take back."""

from sqlalchemy import text

from models.database import Database
from models.live.read import MAKE_DURABLE, present, read_since
from tests.plans import statements


async def test_a_place_is_flushed_unless_it_is_the_one_of_before(database: Database) -> None:
    async with database.statement() as session:
        with statements(database) as sent:
            seen = await present(session)
        assert sent[-1][0] == MAKE_DURABLE
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_current_xact_id()"))
    for _ in range(2):
        async with database.statement() as session:
            with statements(database) as sent:
                batch = await read_since(session, [], seen, 10)
        assert (batch.snapshot != seen) == (sent[-1][0] == MAKE_DURABLE)
        seen = batch.snapshot
