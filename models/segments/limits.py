"""What the statement of a segment may use of the database. Somebody else writes the conditions, so each has an end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from models.errors import Unavailable

SECONDS = 5.0
"""The longest time of one statement. At a million contacts the filters of `docs/segments.md` take less than one."""
STATEMENT_ENDED = "57014"
"""PostgreSQL's code for a statement that was ended by `statement_timeout`."""

# People are counted by hash tables of ids, which should not be written to the disk.
TO_COUNT = {"work_mem": "64MB", "jit": "off"}

# A page follows an index and stops when it is full. The planner sometimes expects that finding, hashing and sorting everybody is
# as quick, and then every page of a large audience would cost as much as the whole audience.
TO_READ_A_PAGE = dict.fromkeys(("enable_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin", "jit"), "off")


@asynccontextmanager
async def limited(session: AsyncSession, settings: Mapping[str, str], *, ends: bool = True) -> AsyncIterator[None]:
    """Runs statements with these settings of PostgreSQL and, unless `ends` is False, with an end after SECONDS. Without it, the
    end of every statement of this process counts, for work that has to be done however long it takes.

    Raises Unavailable when a statement takes longer. Its transaction can only be rolled back then.
    """
    end = {"statement_timeout": f"{SECONDS * 1000:.0f}ms"} if ends else {}
    before = await _set(session, {**settings, **end})
    try:
        yield
    except DBAPIError as error:
        if ends and getattr(error.orig, "sqlstate", None) == STATEMENT_ENDED:
            raise Unavailable(
                f"The people of this segment could not be found within {SECONDS:g} seconds. Narrow it down with a tag or a "
                "campaign that has to fit as well (all), or try again when the server has less to do."
            ) from None
        raise
    await _set(session, before)


async def _set(session: AsyncSession, wanted: Mapping[str, str]) -> dict[str, str]:
    """Sets each until the transaction ends, and returns what it was."""
    names = list(wanted)
    read = ", ".join(f"current_setting('{name}')" for name in names)
    before = (await session.execute(text(f"SELECT {read}"))).one()
    change = ", ".join(f"set_config('{name}', :{name}, true)" for name in names)
    await session.execute(text(f"SELECT {change}"), dict(wanted))
    return dict(zip(names, before, strict=True))
