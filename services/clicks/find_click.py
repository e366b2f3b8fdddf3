"""The question of a wait whose time is over: did a person click, and nobody has signalled it yet?"""

from sqlalchemy.ext.asyncio import AsyncSession

from models.clicks import outbox
from models.wire.clicks import FindClick, FoundClick
from services.clicks.held_clicks import decide_for


async def find_click(session: AsyncSession, question: FindClick) -> FoundClick:
    """The signal may be late or lost, or the click is held: then it is decided now, on what has come so far."""
    await decide_for(session, question)
    return await outbox.find_click(session, question)
