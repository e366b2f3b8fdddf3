"""Works on the firings of several organizations at once: of each organization one group at a time, and no group waits for another
organization's."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence
from uuid import UUID

from models.triggers.due import DueFiring

LOOK = 0.5
"""Seconds between two looks at what has become due while a group is under way."""

Claim = Callable[[int, Collection[UUID]], Awaitable[Sequence[DueFiring]]]
"""Claims at most so many firings, and none of these organizations, whose groups are under way."""
Work = Callable[[Sequence[DueFiring]], Awaitable[None]]
"""Works on a group: what was claimed of one organization. An error of it ends the sweep."""


async def side_by_side(claim: Claim, work: Work, at_once: int, goes_on: Callable[[], bool]) -> int:
    """Claims and works until nothing is due, and returns how many firings were taken. At most `at_once` are under way at a time.
    From the moment at which `goes_on` returns False nothing new is begun."""
    taken = 0
    at_work: dict[asyncio.Task[None], Sequence[DueFiring]] = {}
    try:
        while True:
            room = at_once - sum(map(len, at_work.values()))
            busy = {firings[0].org_id for firings in at_work.values()}
            claimed = await claim(room, busy) if room > 0 and goes_on() else ()
            taken += len(claimed)
            for firings in _by_organization(claimed):
                at_work[asyncio.create_task(_work(work, firings))] = firings
            if not at_work:
                return taken
            done, _ = await asyncio.wait(at_work, timeout=LOOK, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                del at_work[task]
                task.result()
    finally:
        for task in at_work:
            task.cancel()


async def _work(work: Work, firings: Sequence[DueFiring]) -> None:
    await work(firings)


def _by_organization(claimed: Sequence[DueFiring]) -> list[list[DueFiring]]:
    groups: defaultdict[UUID, list[DueFiring]] = defaultdict(list)
    for each in claimed:
        groups[each.org_id].append(each)
    return list(groups.values())
