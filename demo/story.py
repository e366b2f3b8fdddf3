"""`./linkwake demo`: the whole story through the public API and real clicks, and then every number checked.

No request makes an organization, because the key of a request says which one it is for: the demo's own comes from the command
line, as everybody's does.

A campaign to 200 contacts with a link whose click starts a follow-up; a sequence that waits for a click and branches. Afterwards
the API's totals are compared with the rows in the database and with what was really clicked.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy.exc import SQLAlchemyError

from demo import people, texts
from demo.check import Checked, check
from demo.client import Browsers, Consumer, DemoError, Stage, UnknownKey
from demo.people import Visit
from demo.tables import print_tables
from models.database import Database
from settings import Settings
from stack.errors import StackError
from stack.session import started

ROOT = Path(__file__).resolve().parent.parent

Begin = Callable[[str, int], Stage]
"""Begins a stage: its text and how much there is to do."""


@dataclass(frozen=True)
class Story:
    """What the story made: ids, and what was clicked."""

    campaign_id: str
    sequence_id: str
    contacts: list[str]


def main(as_json: bool) -> int:
    """0 when every number agrees; 1 when any differs or the story stopped half-way, with the reason as `problem` and how much of
    each stage was done as `done`."""
    settings = Settings()
    done: dict[str, int] = {}
    try:
        if _is_running(settings):
            if not _is_ours(settings):
                raise _another(settings)
            return asyncio.run(_run(settings, _key_of_new_organization(), done, as_json))
        print("No running stack found: starting one for the demo.", file=sys.stderr)
        with started():
            return asyncio.run(_run(Settings(), _key_of_new_organization(), done, as_json))
    except (DemoError, StackError, SQLAlchemyError) as error:
        print(f"The demo stopped: {error}", file=sys.stderr)
        if as_json:
            print(json.dumps({"done": done, "consistent": False, "problem": str(error)}, indent=2))
        return 1


def _api_address(settings: Settings) -> str:
    return f"http://127.0.0.1:{settings.api_port}"


def _is_running(settings: Settings) -> bool:
    """Ready or not: a busy machine may not be just now."""
    try:
        answer = httpx.get(f"{_api_address(settings)}/health/ready", timeout=30)
    except httpx.HTTPError:
        return False
    return answer.status_code in (httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE)


def _is_ours(settings: Settings) -> bool:
    """Whether the embedded stack of this VAR_DIR runs; a database of one's own shows only when a key is used."""
    pid = int(settings.stack_state.get("pid", 0))
    return bool(settings.database_url) or (pid > 0 and psutil.pid_exists(pid))


def _another(settings: Settings) -> DemoError:
    return DemoError(
        f"the API at port {settings.api_port} is not the one of this stack (VAR_DIR={settings.var_dir}): set API_PORT and "
        "REDIRECT_PORT to this stack's ports, or to free ones and it is started."
    )


def _key_of_new_organization() -> str:
    command = [sys.executable, str(ROOT / "cli.py"), "organization", "Linkwake demo", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)  # noqa: S603 - our own command
    if done.returncode:
        raise DemoError(done.stderr.strip())
    return str(json.loads(done.stdout)["api_key"])


async def _run(settings: Settings, key: str, done: dict[str, int], as_json: bool) -> int:
    consumer, browsers = Consumer(_api_address(settings), key), Browsers()
    database = Database(settings.effective_database_url, pool_size=2)
    try:
        await consumer.get("/organization")
        story = await _tell(consumer, browsers, done)
        checked = await check(consumer, database, story.campaign_id, story.sequence_id, story.contacts[0])
    except UnknownKey as error:
        raise _another(settings) from error
    finally:
        await consumer.close()
        await browsers.close()
        await database.close()
    _print(checked, as_json)
    return 0 if checked.consistent else 1


def _print(checked: Checked, as_json: bool) -> None:
    for difference in checked.differences:
        print(f"DIFFERENT  {difference}", file=sys.stderr)
    if as_json:
        print(json.dumps(checked.document, indent=2))
    else:
        print_tables(checked)


async def _tell(consumer: Consumer, browsers: Browsers, reached: dict[str, int]) -> Story:
    """`reached`: how much of each stage is done, kept up to date."""
    columns = (TextColumn("{task.description:<34}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def begin(text: str, total: int) -> Stage:
            task = progress.add_task(text, total=total)

            def report(done: int) -> None:
                reached[text] = done
                progress.update(task, completed=done)

            return Stage(text, total, report)

        contacts = await _contacts(consumer, begin("Contacts", people.CONTACTS))
        campaign_id = await _campaign(consumer, begin("Campaign: messages sent", people.CONTACTS))
        await _campaign_clicks(consumer, browsers, campaign_id, contacts, begin)
        sequence_id = await _sequence(consumer, browsers, contacts, begin)
        return Story(campaign_id, sequence_id, contacts)


async def _contacts(consumer: Consumer, stage: Stage) -> list[str]:
    """The contacts' ids, in the order of their numbers."""
    rows = [people.contact_row(number) for number in range(people.CONTACTS)]
    answer = await consumer.post("/contacts/bulk", {"contacts": rows})
    stage.report(len(answer["results"]))
    return [row["contact_id"] for row in answer["results"]]


async def _publish(consumer: Consumer, definition: dict[str, Any]) -> str:
    sequence = await consumer.post("/sequences", definition)
    await consumer.post(f"/sequences/{sequence['id']}/publish")
    return str(sequence["id"])


async def _campaign(consumer: Consumer, stage: Stage) -> str:
    follow_up = await _publish(consumer, texts.FOLLOW_UP)
    campaign = await consumer.post("/campaigns", texts.campaign(follow_up))
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
    # The second clicks come after all first ones, as people do.
    await _click(browsers, clicks, stage.report)

    async def recorded() -> int:
        totals = (await consumer.get(f"/campaigns/{campaign_id}/analytics"))["totals"]
        return int(totals["human_clicks"] + totals["suspect_clicks"] + totals["bot_clicks"])

    await consumer.until_done(begin("Campaign: clicks recorded", len(visits)), recorded)
    await _follow_ups(consumer, campaign_id, begin("Campaign: follow-ups sent", people.CLICKERS))


async def _follow_ups(consumer: Consumer, campaign_id: str, stage: Stage) -> None:
    async def completed() -> int:
        return int((await consumer.get(f"/campaigns/{campaign_id}/analytics"))["follow_ups"].get("completed", 0))

    await consumer.until_done(stage, completed)


async def _sequence(consumer: Consumer, browsers: Browsers, contacts: list[str], begin: Begin) -> str:
    sequence_id = await _publish(consumer, texts.SEQUENCE)
    sent, clicked = begin("Sequence: messages sent", people.ENROLLED), begin("Sequence: clicks", people.SEQUENCE_CLICKERS)
    enrolled = {contact: number for number, contact in enumerate(contacts[: people.ENROLLED])}
    to_click = {contact: number for contact, number in enrolled.items() if number < people.SEQUENCE_CLICKERS}
    await consumer.post(f"/sequences/{sequence_id}/enrollments", {"contact_ids": list(enrolled)})

    async def reached() -> int:
        """Each one clicks as soon as the message is there, so that nobody is late on a slow machine."""
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
    """Each contact's tracked link, as it stands in the message, by the contact's number."""
    messages = [each async for each in consumer.every("/messages", **where) if each["contact_id"] in numbers]
    details = [await consumer.get(f"/messages/{each['id']}") for each in messages]
    return {numbers[each["contact_id"]]: each["links"][0]["url"] for each in details}


async def _click(browsers: Browsers, clicks: list[tuple[str, Visit]], report: Callable[[int], object]) -> None:
    for destination in await browsers.click_all(clicks, report):
        if destination not in texts.DESTINATIONS:
            raise DemoError(f"a click led to {destination}, not to the address in the message")
