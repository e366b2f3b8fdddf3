"""Compares three sources of every number: the API's answers, the rows in the database, and what the demo clicked."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from demo import people
from demo._rows import CampaignRows, branches, campaign_rows, trigger_rows
from demo.client import Consumer
from demo.team import Team
from models.database import Database

WAIT_STEP = "wait_for_guide"


@dataclass(frozen=True)
class Story:
    """What the story made: ids, and what was clicked."""

    campaign_id: str
    sequence_id: str
    welcome_id: str
    target_id: str | None
    contacts: list[str]


@dataclass
class Checked:
    """The demo's answer, and every number that did not agree."""

    document: dict[str, Any]
    differences: list[str] = field(default_factory=list)

    @property
    def consistent(self) -> bool:
        return not self.differences


async def check(consumer: Consumer, database: Database, story: Story, team: Team) -> Checked:
    campaign = _campaign(await consumer.get(f"/campaigns/{story.campaign_id}/analytics"))
    sequence = _sequence(await consumer.get(f"/sequences/{story.sequence_id}/analytics"))
    triggers = await _triggers(consumer, story)
    path = f"/contacts/{story.contacts[0]}/conversation"
    conversation = [each async for each in consumer.every(path, order="oldest")]
    checked = Checked({"campaign": campaign, "sequence": sequence, "triggers": triggers, "conversation": conversation})
    async with database.transaction() as session:
        rows = await campaign_rows(session, UUID(story.campaign_id))
        left = await branches(session, UUID(story.sequence_id), WAIT_STEP)
        done = await trigger_rows(session, UUID(story.campaign_id), UUID(story.welcome_id))
    _compare(checked, "campaign, API and rows", campaign, _from_rows(rows))
    _compare(checked, "campaign, API and what was clicked", campaign, _clicked())
    _compare(checked, "messages delivered once", {"delivered": rows.messages_delivered}, {"delivered": people.CONTACTS})
    in_rows = {"clicked_branch": left.get("clicked", 0), "timeout_branch": left.get("timed_out", 0)}
    _compare(checked, "sequence, API and rows", sequence, {"enrolled": sum(left.values()), **in_rows})
    _compare(checked, "sequence, API and what was clicked", sequence, _sequence_clicked())
    _compare(checked, "triggers, API and rows", triggers, done)
    _compare(checked, "triggers, API and what was clicked", triggers, _triggers_expected(story))
    _compare(checked, "team", {"heard": bool(team.told)}, {"heard": story.target_id is not None})
    kinds = {kind: sum(each["kind"] == kind for each in conversation) for kind in ("message", "click", "trigger")}
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
    left = {each["outcome"]: each["step_runs"] for each in step["left"]}
    return {
        "enrolled": sum(analytics["enrollments"].values()),
        "clicked_branch": left.get("clicked", 0),
        "timeout_branch": left.get("timed_out", 0),
    }


async def _triggers(consumer: Consumer, story: Story) -> dict[str, int]:
    """What the two triggers have done, and the campaign's two segments."""
    (interested,) = (await consumer.get(f"/campaigns/{story.campaign_id}/triggers"))["items"]
    (move,) = (await consumer.get(f"/sequences/{story.welcome_id}/triggers"))["items"]
    done = {action["kind"]: action["done"] for action in interested["actions"]}
    segments = {
        kind: (await consumer.post(f"/campaigns/{story.campaign_id}/segments", {"kind": kind}))["count"]
        for kind in ("engaged", "unengaged")
    }
    return {
        "fired": interested["fired"],
        "tagged": done["tag"],
        "messages": done["send"],
        "enrolled": done["enroll"],
        "notified": await _notified(consumer, story.target_id) if story.target_id else 0,
        "moved": min(action["done"] for action in move["actions"]),
        **segments,
    }


async def _notified(consumer: Consumer, target_id: str) -> int:
    """The people that the team was told of, or will be told of by its next notification, a minute after the first one."""
    path = f"/notification-targets/{target_id}"
    told = [each["count"] async for each in consumer.every(f"{path}/notifications")]
    return int(sum(told) + (await consumer.get(path))["waiting"])


def _triggers_expected(story: Story) -> dict[str, int]:
    names = ("fired", "tagged", "messages", "enrolled", "engaged")
    notified = people.CLICKERS if story.target_id else 0
    unengaged = people.CONTACTS - people.CLICKERS
    return {**dict.fromkeys(names, people.CLICKERS), "notified": notified, "moved": people.MOVED, "unengaged": unengaged}


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
    """The first contact: the campaign clicked twice, its trigger's message and its follow-up, the sequence's hello clicked once
    and its thanks."""
    return {"message": 5, "click": 3, "trigger": 1}


def _compare(checked: Checked, what: str, found: dict[str, Any], expected: dict[str, Any]) -> None:
    for name, value in expected.items():
        if found[name] != value:
            checked.differences.append(f"{what}: {name} is {found[name]}, expected {value}")
