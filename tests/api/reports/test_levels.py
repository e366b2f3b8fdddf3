"""What is seen of each contact and what is counted of the campaign are the same clicks, whatever happened to them meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from activities.record_clicks import RecordClicks
from models.base import new_id
from models.clicks.inbox import InboxClick
from models.clicks.partitions import make_partition
from models.database import Database
from models.organizations.organization import Organization
from models.reconcile import reconcile
from models.wire.clicks import RecorderInput
from services.clicks.geo_locations import GeoLocations
from tests.builders import Caller
from tests.clicks import LONDON, SAN_JOSE_V6, Sent, click, send, store
from tests.rows import Rows

KATHMANDU = ZoneInfo("Asia/Kathmandu")
MIDNIGHT = datetime(2026, 11, 3, tzinfo=KATHMANDU)
PEOPLE, CLICKS = 8, 160


async def record_all(database: Database, shard: int) -> None:
    """One of two recorders, with a batch that is never all that waits."""
    recorder = RecordClicks(database, GeoLocations(), batch_rows=7)
    while (await recorder.record_clicks(RecorderInput(shard=shard, shards=2))).remaining:
        pass


async def correct_some(api: Caller, clicks: Sequence[InboxClick]) -> None:
    for n, each in enumerate(clicks):
        answer = await api.post(f"/clicks/{each.id}/verdict", json={"verdict": ("bot", "human", "suspect")[n % 3]})
        assert answer.status_code == 200


async def timelines(api: Caller, sent: Sent) -> list[list[dict[str, Any]]]:
    """The clicks in the conversation of each contact."""
    found = []
    for contact in sent.contacts:
        items, cursor = list[dict[str, Any]](), None
        while cursor is not None or not items:
            params = {"kind": "click", "limit": "7"} | ({"cursor": cursor} if cursor else {})
            page = (await api.get(f"/contacts/{contact}/conversation", params=params)).json()
            items += page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        found.append(items)
    return found


def local_day(item: dict[str, Any]) -> str:
    return datetime.fromisoformat(item["at"]).astimezone(KATHMANDU).replace(hour=0, minute=0, second=0, microsecond=0).isoformat()


async def test_conversations_and_the_campaign_agree_after_concurrency_late_clicks_and_corrections(
    api: Caller, database: Database, database_url: str, organization: tuple[Organization, str]
) -> None:
    campaign = await Rows(database, organization[0].id).campaign()
    sent = await send(database, organization[0].id, people=PEOPLE, campaign_id=campaign.id, sequence_id=new_id())
    async with database.transaction() as session:
        for month in (10, 11):
            await make_partition(session, datetime(2026, month, 1, tzinfo=ZoneInfo("UTC")))
    # Around three midnights in Kathmandu, and in no order: many are recorded long after later ones.
    made = [
        click(
            sent,
            n % PEOPLE,
            n % 2,
            clicked_at=MIDNIGHT + timedelta(days=n * 7 % 3, minutes=(n * 37 % 31) - 15, seconds=n % 60),
            verdict="bot" if n % 11 == 0 else "human",
            ip=LONDON if n % 3 else SAN_JOSE_V6,
        )
        for n in range(CLICKS)
    ]
    await store(database_url, made[: CLICKS // 2])
    await asyncio.gather(record_all(database, 0), record_all(database, 1))
    await store(database_url, made[CLICKS // 2 :])
    await asyncio.gather(record_all(database, 0), record_all(database, 1), correct_some(api, made[:40]))

    people = await timelines(api, sent)
    assert sum(map(len, people)) == CLICKS
    humans = [[item for item in items if item["verdict"] == "human"] for items in people]
    window = {"interval": "day", "time_zone": "Asia/Kathmandu"}
    numbers = (await api.get(f"/campaigns/{campaign.id}/analytics", params=window)).json()
    assert numbers["totals"]["clicks"] == sum(map(len, humans))
    assert numbers["totals"]["people"] == sum(1 for items in humans if items) == sum(day["people"] for day in numbers["series"])
    assert {day["at"]: day["clicks"] for day in numbers["series"]} == Counter(
        local_day(item) for items in humans for item in items
    )
    for verdict in ("suspect", "bot"):
        of_verdict = [item for items in people for item in items if item["verdict"] == verdict]
        assert numbers["totals"][f"{verdict}_clicks"] == len(of_verdict)
    assert {each["country"]: each["clicks"] for each in numbers["countries"]} == Counter(
        item["country"] for items in humans for item in items
    )
    assert (await reconcile.compare(database)).differences == []
