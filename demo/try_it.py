"""`./linkwake try`: sends one message on the running stack, prints its link, waits for the click and prints what the workflow
did next.

Everything after the API key goes through the public HTTP API, as it would for any program. The key comes from the database,
because no request makes an organization: all runs share one organization, and each run has a key that lasts an hour and a
sequence of its own. Nothing has to be cleaned up after an interrupted run: its enrollment ends when its wait is over.
"""

import asyncio
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from demo.client import POLL_SECONDS, Consumer, DemoError, Stage, UnknownKey
from demo.running import another_stack, api_address, is_ours, is_running
from models.database import Database
from models.organizations.api_key import Role, create_api_key
from models.organizations.audit_log import record
from models.organizations.organization import create_organization, list_organizations
from settings import Settings
from stack.errors import StackError

ORGANIZATION = "Linkwake try"
CONTACT = {"external_id": "try", "first_name": "Ada", "phone": "+12025550123"}
KEY_LASTS = timedelta(hours=1)
WAIT_MINUTES = 15


def sequence(at: datetime) -> dict[str, Any]:
    """Sends a link, waits for a click on it, and sends a second message to those who clicked."""
    hello = "Hi {{ contact.first_name }}, here is your guide: https://www.example.com/guide"
    return {
        "name": f"Try it, {at:%Y-%m-%d %H:%M:%S}",
        "steps": [
            {"kind": "send", "key": "hello", "channel": "simulator-sms", "message": {"body": hello}},
            {
                "kind": "wait_for_click",
                "key": "wait_for_click",
                "timeout": f"PT{WAIT_MINUTES}M",
                "on_click": "thanks",
                "on_timeout": "no_click",
            },
            {
                "kind": "send",
                "key": "thanks",
                "channel": "simulator-sms",
                "message": {"body": "Thanks for the click, {{ contact.first_name }}!"},
                "next": "done",
            },
            {"kind": "end", "key": "no_click", "outcome": "no_click"},
            {"kind": "end", "key": "done", "outcome": "clicked"},
        ],
    }


@dataclass
class Trial:
    """One run: what it has made, and which entries of the conversation are already shown."""

    consumer: Consumer
    as_json: bool
    contact_id: str = ""
    enrollment_id: str = ""
    link: str = ""
    shown: set[str] = field(default_factory=set)

    def say(self, text: str) -> None:
        """With --json, people's lines go to standard error, so that standard output holds one document."""
        print(text, file=sys.stderr if self.as_json else sys.stdout, flush=True)


def main(as_json: bool) -> int:
    """Returns 0 when the click was followed by the next step, and 1 when nobody clicked in time."""
    settings = Settings()
    if not is_running(settings):
        raise StackError("No stack is running here: run ./linkwake up in another terminal, then ./linkwake try again.")
    try:
        if not is_ours(settings):
            raise another_stack(settings)
        return asyncio.run(_run(settings, as_json))
    except DemoError as error:
        raise StackError(f"The try stopped: {error}") from error
    except KeyboardInterrupt:
        print(
            f"\nNobody waits for the click any more. The enrollment goes on: it ends {WAIT_MINUTES} minutes after its message.",
            file=sys.stderr,
        )
        raise


async def _run(settings: Settings, as_json: bool) -> int:
    key = await _new_key(settings)
    trial = Trial(Consumer(api_address(settings), key), as_json)
    try:
        await trial.consumer.get("/organization")
        await _send(trial)
        trial.say(f"\nWaiting for the click, for {WAIT_MINUTES} minutes. Ctrl-C stops the waiting.\n")
        outcome = await _watch(trial)
        await _say_where_to_look(trial, settings, key)
    except UnknownKey as error:
        raise another_stack(settings) from error
    finally:
        await trial.consumer.close()
    if as_json:
        ids = {"contact_id": trial.contact_id, "enrollment_id": trial.enrollment_id}
        print(json.dumps({**ids, "link": trial.link, "outcome": outcome}, indent=2))
    return int(outcome != "clicked")


async def _new_key(settings: Settings) -> str:
    database = Database(settings.effective_database_url, pool_size=1)
    try:
        async with database.transaction() as session:
            return await _create_key(session)
    finally:
        await database.close()


async def _create_key(session: AsyncSession) -> str:
    ours = [each for each in await list_organizations(session) if each.name == ORGANIZATION]
    organization = ours[0] if ours else (await create_organization(session, ORGANIZATION))[0]
    key, text = await create_api_key(session, organization.id, "./linkwake try", Role.EDITOR, datetime.now(UTC) + KEY_LASTS)
    record(session, organization.id, "api_keys.create", "api_key", key.id)
    return text


async def _send(trial: Trial) -> None:
    """Enrolls the contact, waits until the message is accepted, and prints its link."""
    consumer = trial.consumer
    trial.contact_id = (await consumer.call("PUT", "/contacts", json=CONTACT))["id"]
    made = await consumer.post("/sequences", sequence(datetime.now(UTC)))
    await consumer.post(f"/sequences/{made['id']}/publish")
    answer = await consumer.post(f"/sequences/{made['id']}/enrollments", {"contact_ids": [trial.contact_id]})
    trial.enrollment_id = answer["results"][0]["enrollment_id"]
    trial.say(f"Sequence      {made['id']}   {made['name']}")
    trial.say(f"Contact       {trial.contact_id}   {CONTACT['first_name']}, {CONTACT['phone']}")
    trial.say(f"Enrollment    {trial.enrollment_id}")
    trial.link = await _first_link(trial)
    enrollment = await consumer.get(f"/enrollments/{trial.enrollment_id}")
    if enrollment["temporal_ui_url"]:
        trial.say(f"Temporal UI   {enrollment['temporal_ui_url']}")
    trial.say(f"\nOpen this link in a browser:\n\n    {trial.link}\n\nWithout a browser: ./linkwake click {trial.link}")


async def _first_link(trial: Trial) -> str:
    async def accepted() -> int:
        return len([each for each in await _entries(trial) if each["kind"] == "message" and each["state"] == "accepted"])

    await trial.consumer.until_done(Stage("The message was not sent", 1), accepted)
    (message,) = [each for each in await _entries(trial) if each["kind"] == "message"]
    trial.say(f'Message       "{message["body"]}"')
    trial.shown |= {each["id"] for each in await _entries(trial) if each["kind"] == "message" or each["step_key"] == "hello"}
    return str((await trial.consumer.get(f"/messages/{message['id']}"))["links"][0]["url"])


async def _watch(trial: Trial) -> str:
    """Prints what happens until the enrollment has ended, and returns its outcome."""
    while True:
        entries = [each for each in await _entries(trial) if each["id"] not in trial.shown and _is_final(each)]
        if not _lacks_its_click(entries):
            trial.shown |= {each["id"] for each in entries}
            for line in (line for each in entries for line in _lines(each, trial.link)):
                trial.say(line)
            for entry in entries:
                if entry["kind"] == "step" and entry["event"] == "ended":
                    return str(entry["outcome"])
        await asyncio.sleep(POLL_SECONDS)


def _is_final(entry: dict[str, Any]) -> bool:
    return entry["kind"] != "message" or entry["state"] not in ("planned", "sending")


def _lacks_its_click(entries: list[dict[str, Any]]) -> bool:
    """The workflow may go on a moment before the click is recorded; it is shown with its click, in the order of time."""
    clicked = any(each["kind"] == "step" and each["outcome"] == "clicked" and each["event"] == "left" for each in entries)
    return clicked and not any(each["kind"] == "click" and each["verdict"] == "human" for each in entries)


async def _entries(trial: Trial) -> list[dict[str, Any]]:
    """Returns the enrollment's part of the conversation, oldest first."""
    page = await trial.consumer.get(f"/contacts/{trial.contact_id}/conversation", limit=100)
    return [each for each in reversed(page["items"]) if each["enrollment_id"] == trial.enrollment_id]


def _lines(entry: dict[str, Any], link: str) -> Iterator[str]:
    at = f"{datetime.fromisoformat(entry['at']).astimezone():%H:%M:%S}"
    match entry:
        case {"kind": "click", "verdict": "human"}:
            yield f"{at}  click     by a person, with {entry['browser'] or 'an unknown browser'}"
        case {"kind": "click"}:
            yield f"{at}  click     by a program ({entry['verdict']}: {entry['reason']}): it is recorded and wakes nothing."
            yield f"                    Open the link in a browser, or run ./linkwake click {link}"
        case {"kind": "message"}:
            yield f'{at}  message   {entry["state"]}: "{entry["body"]}"'
        case {"kind": "step", "event": "entered"}:
            yield f"{at}  entered   {entry['step_key']}"
        case {"kind": "step", "event": "left"}:
            branch = f", next is {entry['branch']}" if entry["branch"] else ""
            yield f"{at}  left      {entry['step_key']}: {entry['outcome']}{branch}"
        case {"kind": "step", "event": "ended"}:
            yield f"{at}  ended     {entry['outcome']}"


async def _say_where_to_look(trial: Trial, settings: Settings, key: str) -> None:
    trial.say(
        f"\nThe same by HTTP, with a key that lasts an hour:\n\n"
        f'    curl -H "Authorization: Bearer {key}" {api_address(settings)}/v1/contacts/{trial.contact_id}/conversation'
    )
