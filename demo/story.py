"""`./linkwake demo`: the whole story through the public API and real clicks, and then a check of every number.

No request makes an organization, because the key of a request says which one it is for. The demo's own comes from the command
line, as everybody's does.

The story is a campaign to 200 contacts with a link whose click tags the contact, sends a message, notifies a team and starts a
follow-up; a sequence that waits for a click and branches; and one whose click moves the contact into another. Afterwards the
API's totals are compared with the rows in the database and with what was really clicked.

The team is a web server of the demo, which the stack reaches only when it allows local addresses. Without, nobody is notified.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from demo import people, texts
from demo.check import Checked, Story, check
from demo.client import Browsers, Consumer, DemoError, Refused, Stage, UnknownKey
from demo.people import Visit
from demo.running import another_stack, api_address, is_ours, is_running
from demo.stages import Begin, stages
from demo.tables import print_tables
from demo.team import Team, listening
from models.database import Database
from settings import Settings
from stack.errors import StackError
from stack.session import started

LOCAL = "ALLOW_LOCAL_ADDRESSES"
ROOT = Path(__file__).resolve().parent.parent


def main(as_json: bool) -> int:
    """Returns 0 when every number agrees, and 1 when any differs or the story stopped half-way. Then the JSON document has the
    reason as `problem` and the progress of each stage as `done`."""
    settings = Settings()
    done: dict[str, int] = {}
    try:
        if is_running(settings):
            if not is_ours(settings):
                raise another_stack(settings)
            return asyncio.run(_run(settings, _new_organization(), done, as_json))
        print("No running stack found: starting one for the demo.", file=sys.stderr)
        with started({LOCAL: "true"}):
            return asyncio.run(_run(Settings(), _new_organization(), done, as_json))
    except (DemoError, StackError, SQLAlchemyError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        if as_json:
            print(json.dumps({"done": done, "consistent": False, "problem": str(error)}, indent=2))
        return 1


def _new_organization() -> dict[str, str]:
    return dict(json.loads(_command("organization", "Linkwake demo", "--json")))


def _command(*arguments: str) -> str:
    command = [sys.executable, str(ROOT / "cli.py"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own command
    if done.returncode:
        raise DemoError(done.stderr.strip())
    return done.stdout.strip()


async def _run(settings: Settings, organization: dict[str, str], done: dict[str, int], as_json: bool) -> int:
    key = organization["api_key"]
    consumer, browsers = Consumer(api_address(settings), key), Browsers()
    database = Database(settings.effective_database_url, pool_size=2)
    try:
        await consumer.get("/organization")
        async with listening() as team:
            story = await _tell(consumer, browsers, team, done)
            checked = await check(consumer, database, story, team)
    except UnknownKey as error:
        raise another_stack(settings) from error
    finally:
        await consumer.close()
        await browsers.close()
        await database.close()
    _print(checked, as_json)
    _say_where_to_look(settings, organization, story.campaign_id, as_json)
    return 0 if checked.consistent else 1


def _print(checked: Checked, as_json: bool) -> None:
    for difference in checked.differences:
        print(f"DIFFERENT  {difference}", file=sys.stderr)
    if as_json:
        print(json.dumps(checked.document, indent=2))
    else:
        print_tables(checked)


def _say_where_to_look(settings: Settings, organization: dict[str, str], campaign_id: str, as_json: bool) -> None:
    """The last line leads to the report. With --json this goes to standard error, so that standard output holds one document."""
    ui = settings.effective_temporal_ui_url
    link = f"{_command('sign-in', organization['id'])}?next=/console/campaigns/{campaign_id}"
    lines = [
        "",
        f"API key     {organization['api_key']}   (of the organization that this demo has made)",
        f"API         {api_address(settings)}/docs: Authorize with the key, then for example GET /v1/campaigns",
        *([f"Workflows   {ui}"] if ui else []),
        f"Report      {link}   (signs in once, for half an hour)",
    ]
    print("\n".join(lines), file=sys.stderr if as_json else sys.stdout)


async def _tell(consumer: Consumer, browsers: Browsers, team: Team, reached: dict[str, int]) -> Story:
    with stages(reached) as begin:
        contacts = await _contacts(consumer, begin("Contacts", people.CONTACTS))
        target_id = await _target(consumer, team)
        campaign_id = await _campaign(consumer, target_id is not None, begin("Campaign: messages sent", people.CONTACTS))
        await _campaign_clicks(consumer, browsers, campaign_id, contacts, begin)
        sequence_id = await _sequence(consumer, browsers, contacts, begin)
        welcome_id = await _welcome(consumer, browsers, contacts, begin)
        return Story(campaign_id, sequence_id, welcome_id, target_id, contacts)


async def _contacts(consumer: Consumer, stage: Stage) -> list[str]:
    """Returns the contacts' ids, in the order of their numbers."""
    rows = [people.contact_row(number) for number in range(people.CONTACTS)]
    answer = await consumer.post("/contacts/bulk", {"contacts": rows})
    stage.report(len(answer["results"]))
    return [row["contact_id"] for row in answer["results"]]


async def _publish(consumer: Consumer, definition: dict[str, Any]) -> str:
    sequence = await consumer.post("/sequences", definition)
    await consumer.post(f"/sequences/{sequence['id']}/publish")
    return str(sequence["id"])


async def _target(consumer: Consumer, team: Team) -> str | None:
    """Returns the id of the notification target, or None when the stack reaches nothing on this machine."""
    try:
        target = await consumer.post("/notification-targets", {"name": texts.TEAM, "address": team.address})
    except Refused:
        print(f"Nobody is notified: the team is on this machine. Start the stack with {LOCAL}=true.", file=sys.stderr)
        return None
    return str(target["id"])


async def _campaign(consumer: Consumer, team: bool, stage: Stage) -> str:
    follow_up = await _publish(consumer, texts.FOLLOW_UP)
    campaign = await consumer.post("/campaigns", texts.campaign(follow_up, team))
    path = f"/campaigns/{campaign['id']}"
    await consumer.post(f"{path}/launch")

    async def sent() -> int:
        return int((await consumer.get(path))["messages"].get("accepted", 0))

    await consumer.until_done(stage, sent)
    return str(campaign["id"])


async def _campaign_clicks(consumer: Consumer, browsers: Browsers, campaign_id: str, contacts: list[str], begin: Begin) -> None:
    numbers = {contact: number for number, contact in enumerate(contacts)}
    links = await _links(consumer, numbers, campaign_id=campaign_id)
    visits = [*people.campaign_visits(), *people.crawler_visits()]
    stage = begin("Campaign: clicks", len(visits))
    clicks = [(links[each.contact], each) for each in visits]
    # All first clicks come before the second ones, as with real people.
    await _click(browsers, clicks, stage.report)

    async def recorded() -> int:
        totals = (await consumer.get(f"/campaigns/{campaign_id}/analytics"))["totals"]
        return int(totals["human_clicks"] + totals["suspect_clicks"] + totals["bot_clicks"])

    await consumer.until_done(begin("Campaign: clicks recorded", len(visits)), recorded)
    await _follow_ups(consumer, campaign_id, begin("Campaign: follow-ups sent", people.CLICKERS))
    await _fired(consumer, f"/campaigns/{campaign_id}", begin("Campaign: trigger done", people.CLICKERS))


async def _follow_ups(consumer: Consumer, campaign_id: str, stage: Stage) -> None:
    async def completed() -> int:
        return int((await consumer.get(f"/campaigns/{campaign_id}/analytics"))["follow_ups"].get("completed", 0))

    await consumer.until_done(stage, completed)


async def _fired(consumer: Consumer, path: str, stage: Stage) -> None:
    """Waits until each action of the one trigger is done for everybody of the stage."""

    async def done() -> int:
        (trigger,) = (await consumer.get(f"{path}/triggers"))["items"]
        return min(int(action["done"]) for action in trigger["actions"])

    await consumer.until_done(stage, done)


async def _welcome(consumer: Consumer, browsers: Browsers, contacts: list[str], begin: Begin) -> str:
    """The last contacts are welcomed, and some of them click and are moved."""
    welcome_id = await _publish(consumer, texts.welcome(await _publish(consumer, texts.DEMO_CALL)))
    welcomed = contacts[-people.WELCOMED :]
    await consumer.post(f"/sequences/{welcome_id}/enrollments", {"contact_ids": welcomed})

    async def sent() -> int:
        return len([each async for each in consumer.every("/messages", sequence_id=welcome_id, state="accepted")])

    await consumer.until_done(begin("Welcome: messages sent", people.WELCOMED), sent)
    numbers = {contact: number for number, contact in enumerate(welcomed[: people.MOVED])}
    links = await _links(consumer, numbers, sequence_id=welcome_id)
    clicks = [(link, people.visit(number)) for number, link in links.items()]
    await _click(browsers, clicks, begin("Welcome: clicks", people.MOVED).report)
    await _fired(consumer, f"/sequences/{welcome_id}", begin("Welcome: moved", people.MOVED))

    async def stopped() -> int:
        return int((await consumer.get(f"/sequences/{welcome_id}/analytics"))["enrollments"].get("stopped", 0))

    await consumer.until_done(begin("Welcome: left", people.MOVED), stopped)
    return welcome_id


async def _sequence(consumer: Consumer, browsers: Browsers, contacts: list[str], begin: Begin) -> str:
    sequence_id = await _publish(consumer, texts.SEQUENCE)
    sent, clicked = begin("Sequence: messages sent", people.ENROLLED), begin("Sequence: clicks", people.SEQUENCE_CLICKERS)
    enrolled = {contact: number for number, contact in enumerate(contacts[: people.ENROLLED])}
    to_click = {contact: number for contact, number in enrolled.items() if number < people.SEQUENCE_CLICKERS}
    await consumer.post(f"/sequences/{sequence_id}/enrollments", {"contact_ids": list(enrolled)})

    async def reached() -> int:
        """Each contact clicks as soon as the message is there, so that nobody is late on a slow machine."""
        messages = consumer.every("/messages", sequence_id=sequence_id, state="accepted")
        found = {each["contact_id"] async for each in messages}
        now = {contact: to_click.pop(contact) for contact in found & to_click.keys()}
        links = await _links(consumer, now, sequence_id=sequence_id, state="accepted")
        before = people.SEQUENCE_CLICKERS - len(to_click) - len(now)
        await _click(
            browsers,
            [(link, people.visit(number)) for number, link in links.items()],
            lambda done: clicked.report(before + done),
        )
        return len(found)

    await consumer.until_done(sent, reached)
    await _sequence_over(consumer, sequence_id, begin("Sequence: thanked or reminded", people.ENROLLED))
    return sequence_id


async def _sequence_over(consumer: Consumer, sequence_id: str, stage: Stage) -> None:
    async def completed() -> int:
        return int((await consumer.get(f"/sequences/{sequence_id}/analytics"))["enrollments"].get("completed", 0))

    await consumer.until_done(stage, completed)


async def _links(consumer: Consumer, numbers: dict[str, int], **where: str) -> dict[int, str]:
    """Returns each contact's tracked link, as it stands in the message, by the contact's number."""
    messages = [each async for each in consumer.every("/messages", **where) if each["contact_id"] in numbers]
    details = [await consumer.get(f"/messages/{each['id']}") for each in messages]
    return {numbers[each["contact_id"]]: each["links"][0]["url"] for each in details}


async def _click(browsers: Browsers, clicks: list[tuple[str, Visit]], report: Callable[[int], object]) -> None:
    for destination in await browsers.click_all(clicks, report):
        if destination not in texts.DESTINATIONS:
            raise DemoError(f"a click led to {destination}, not to the address in the message")
