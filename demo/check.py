"""Compares three sources of every number: the API's answers, the rows in the database, and what the demo clicked."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from demo import people
from demo.client import Consumer
from models.consistency import CampaignRows, branches, campaign_rows
from models.database import Database

WAIT_STEP = "wait_for_guide"


@dataclass
class Checked:
    """The demo's answer, and every number that did not agree."""

    document: dict[str, Any]
    differences: list[str] = field(default_factory=list)

    @property
    def consistent(self) -> bool:
        return not self.differences


async def check(consumer: Consumer, database: Database, campaign_id: str, sequence_id: str, contact_id: str) -> Checked:
    campaign = _campaign(await consumer.get(f"/campaigns/{campaign_id}/analytics"))
    sequence = _sequence(await consumer.get(f"/sequences/{sequence_id}/analytics"))
    conversation = [each async for each in consumer.every(f"/contacts/{contact_id}/conversation", order="oldest")]
    checked = Checked({"campaign": campaign, "sequence": sequence, "conversation": conversation})
    async with database.transaction() as session:
        rows = await campaign_rows(session, UUID(campaign_id))
        left = await branches(session, UUID(sequence_id), WAIT_STEP)
    _compare(checked, "campaign, API and rows", campaign, _from_rows(rows))
    _compare(checked, "campaign, API and what was clicked", campaign, _clicked())
    _compare(checked, "messages delivered once", {"delivered": rows.messages_delivered}, {"delivered": people.CONTACTS})
    in_rows = {"clicked_branch": left.get("clicked", 0), "timeout_branch": left.get("timed_out", 0)}
    _compare(checked, "sequence, API and rows", sequence, {"enrolled": sum(left.values()), **in_rows})
    _compare(checked, "sequence, API and what was clicked", sequence, _sequence_clicked())
    kinds = {kind: sum(each["kind"] == kind for each in conversation) for kind in ("message", "click")}
    _compare(checked, "conversation", kinds, _conversation_expected())
    checked.document["consistent"] = checked.consistent
    return checked


def _campaign(analytics: dict[str, Any]) -> dict[str, Any]:
    totals = analytics["totals"]
    return {
        "sent": totals["messages"].get("accepted", 0),
        "clicks": totals["clicks"],
        "people": totals["people"],
        "bot_clicks": totals["bot_clicks"],
        "countries": {each["country"]: each["clicks"] for each in analytics["countries"]},
        "cities": {each["city"]: each["clicks"] for each in analytics["cities"]},
        "devices": {each["device_type"]: each["clicks"] for each in analytics["devices"]},
        "follow_ups": sum(analytics["follow_ups"].values()),
    }


def _sequence(analytics: dict[str, Any]) -> dict[str, int]:
    step = next(each for each in analytics["steps"] if each["step_key"] == WAIT_STEP)
    left = {each["outcome"]: each["visits"] for each in step["left"]}
    return {
        "enrolled": sum(analytics["enrollments"].values()),
        "clicked_branch": left.get("clicked", 0),
        "timeout_branch": left.get("timed_out", 0),
    }


def _from_rows(rows: CampaignRows) -> dict[str, Any]:
    names = ("sent", "clicks", "people", "bot_clicks", "countries", "cities", "devices", "follow_ups")
    return {name: getattr(rows, name) for name in names}


def _clicked() -> dict[str, Any]:
    visits = people.campaign_visits()
    return {
        "sent": people.CONTACTS,
        "clicks": len(visits),
        "people": len({each.contact for each in visits}),
        "bot_clicks": len(people.crawler_visits()),
        "countries": people.counts([each.country for each in visits]),
        "cities": people.counts([each.city for each in visits]),
        "devices": people.counts([each.device for each in visits]),
        "follow_ups": people.CLICKERS,
    }


def _sequence_clicked() -> dict[str, int]:
    left = people.ENROLLED - people.SEQUENCE_CLICKERS
    return {"enrolled": people.ENROLLED, "clicked_branch": people.SEQUENCE_CLICKERS, "timeout_branch": left}


def _conversation_expected() -> dict[str, int]:
    """The first contact: the campaign clicked twice and its follow-up, the sequence's hello clicked once and its thanks."""
    return {"message": 4, "click": 3}


def _compare(checked: Checked, what: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if found[name] != value:
            checked.differences.append(f"{what}: {name} is {found[name]}, expected {value}")
