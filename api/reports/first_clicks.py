"""How long people took from the send to their first click, as analytics show it."""

from typing import Self

from pydantic import BaseModel, Field

from models.clicks.counters import DELAYS
from models.reports.breakdowns import Breakdown
from models.reports.clicks import Count


class DelayCount(BaseModel):
    delay: str = Field(examples=["5-15m"])
    seconds: int | None = Field(description="It is shorter than this; null: there is no limit.", examples=[900])
    people: int = Field(examples=[12])
    share: float | None = Field(description="people / people whose delay is known; null: there are none.", examples=[0.2])


class TimeToFirstClick(BaseModel):
    """People by the time from the send of the message to their first click. Those of the report, each counted once."""

    median: str | None = Field(description="The delay within which half of the people had clicked; null: nobody has.")
    delays: list[DelayCount] = Field(description="All, the shortest first.")
    unknown: int = Field(description="People of whose message nobody knows when it was sent.", examples=[0])

    @classmethod
    def of(cls, counts: Breakdown) -> Self:
        """`counts` are those of the dimension `delay`."""
        people = {delay: counts.get(delay, Count(0, 0)).people for delay in DELAYS}
        known = sum(people.values())
        last = list(DELAYS)[-1]
        delays = [
            DelayCount(
                delay=delay,
                seconds=None if delay == last else int(limit.total_seconds()),
                people=people[delay],
                share=round(people[delay] / known, 4) if known else None,
            )
            for delay, limit in DELAYS.items()
        ]
        return cls(median=_median(people, known), delays=delays, unknown=counts.get("", Count(0, 0)).people)


def _median(people: dict[str, int], known: int) -> str | None:
    """With an even number, it is where the earlier one of the two in the middle is."""
    reached = 0
    for delay, number in people.items():
        reached += number
        if number and reached * 2 >= known:
            return delay
    return None
