"""Contacts, sequences and campaigns for the tests of the API."""

from typing import Any
from uuid import UUID

from models.contacts.contact import Contact
from models.database import Database
from tests.builders import Caller

OFFER = {"body": "Hello {{ contact.first_name }}: {{ links.offer }}", "links": {"offer": "https://www.example.com/offer"}}


async def add_contacts(database: Database, org_id: UUID, count: int, **fields: Any) -> list[str]:
    async with database.transaction() as session:
        contacts = [Contact(org_id=org_id, phone=f"+1555555{n:04}", **fields) for n in range(count)]
        session.add_all(contacts)
    return [str(contact.id) for contact in contacts]


def draft(**changes: Any) -> dict[str, Any]:
    return {"name": "Spring", "channel": "simulator-sms", "message": OFFER, **changes}


def steps_with_click() -> list[dict[str, Any]]:
    return [
        {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": OFFER},
        {
            "kind": "wait_for_click",
            "key": "wait",
            "link": "offer",
            "timeout": "P1D",
            "on_click": "thanks",
            "on_timeout": "reminder",
        },
        {"kind": "send", "key": "thanks", "channel": "simulator-sms", "message": {"body": "Thank you!"}, "next": "over"},
        {"kind": "send", "key": "reminder", "channel": "simulator-sms", "message": OFFER},
        {"kind": "end", "key": "over"},
    ]


def enrolls(sequence: object, link: str | None = None) -> dict[str, Any]:
    """A trigger that enrolls whoever clicks in the sequence."""
    return {"key": "hot", "link": link, "actions": [{"kind": "enroll", "sequence_id": str(sequence)}]}


async def new_sequence(api: Caller, *, publish: bool = True, **changes: Any) -> str:
    created = await api.post("/sequences", json={"name": "Welcome", "steps": steps_with_click(), **changes})
    assert created.status_code == 201, created.text
    if publish:
        published = await api.post(f"/sequences/{created.json()['id']}/publish")
        assert published.status_code == 201, published.text
    return str(created.json()["id"])


async def new_campaign(api: Caller, **changes: Any) -> str:
    created = await api.post("/campaigns", json=draft(**changes))
    assert created.status_code == 201, created.text
    return str(created.json()["id"])


def fields(answer: Any) -> dict[str, str]:
    """The fields that a 422 names, with their sentences."""
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["message"] for error in answer.json()["errors"]}
