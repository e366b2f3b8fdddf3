"""Whatever the database refuses or breaks off, nothing of people is in Temporal's histories, in a log or in an answer."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from io import StringIO
from typing import Any
from uuid import uuid4

import aiosmtplib
import pytest
import structlog
from sqlalchemy import text
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError
from temporalio.common import RetryPolicy
from temporalio.worker import Worker

from api.redirect.keeping.inbox import Away, Inbox, Refused
from models.database import Database
from models.organizations.organization import Organization
from models.wire.enrollments import Over, TurnRequest
from services.bounces.listener import BounceListener
from services.bounces.take_mail import MailTaker
from services.channels.base import ChannelError
from services.channels.http.answers import UnclearAnswer, read_answer
from services.channels.http.config import AnswerMapping
from services.way_out.way_out import Answer
from settings import Settings
from stack.roles.logs import handler, write_through_logging
from stack.servers.postgres import EmbeddedPostgres
from temporal_client import connect
from tests.builders import Caller
from tests.clicks import click, send
from tests.sending import Provider, Sending, turn_request
from tests.services.bounces import samples
from tracking.tokens.verp import MessageAddresses, TokenUse

PERSON: dict[str, Any] = {
    "first_name": "Canary",
    "last_name": "Canaryson",
    "email": "canary@example.com",
    "phone": "+4915100000777",
}
TRACES = ("canary", "15100000777")

# The check also makes the shared database unfit for other tests, so a new one is made.
FAULTS = {
    "a constraint that fails": "ALTER TABLE {table} ADD CONSTRAINT never CHECK (false) NOT VALID",
    "text that is too long": """
        ALTER TABLE {table} ADD CONSTRAINT always CHECK (true);
        ALTER TABLE {table} ALTER {column} TYPE varchar(3)
    """,
    "a server that ends the session": """
        ALTER TABLE {table} ADD CONSTRAINT always CHECK (true);
        CREATE FUNCTION end_session() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END';
        CREATE TRIGGER restart BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION end_session()
    """,
}
faults = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@workflow.defn(sandboxed=False)
class SendOnce:
    """One attempt at the real activity."""

    @workflow.run
    async def run(self, request: TurnRequest) -> Any:
        once = RetryPolicy(maximum_attempts=1)
        return await workflow.execute_activity(
            "take_turn", request, start_to_close_timeout=timedelta(seconds=20), retry_policy=once
        )


@pytest.fixture
def written(settings: Settings) -> Iterator[StringIO]:
    """What our roles and their libraries write into their logs."""
    stream, root, before = StringIO(), logging.getLogger(), structlog.get_config()
    made, level = handler(settings, stream), root.level
    root.addHandler(made)
    root.setLevel(logging.INFO)
    write_through_logging(logging.INFO)
    yield stream
    structlog.configure(**before)
    root.setLevel(level)
    root.removeHandler(made)


@pytest.fixture
def postgres_log(postgres: EmbeddedPostgres) -> Callable[[], str]:
    """Reads what PostgreSQL has written during the test."""
    path = postgres.directory / "postgres.log"
    begin = path.stat().st_size
    return lambda: path.read_bytes()[begin:].decode()


async def break_table(database: Database, fault: str, table: str, column: str) -> None:
    async with database.transaction() as session:
        for statement in fault.format(table=table, column=column).split(";\n"):
            await session.execute(text(statement))


def no_trace(*places: str) -> None:
    for place in places:
        assert [trace for trace in TRACES if trace in place.lower()] == [], place


@pytest.fixture
async def sending(database: Database, organization: tuple[Organization, str]) -> Sending:
    return Sending(database, organization[0])


async def history_of_one_send(temporal: Client, sending: Sending) -> str:
    (contact,) = await sending.contacts(**PERSON)
    enrollment = await sending.enrollment(contact)
    request = turn_request(enrollment)
    queue = f"leaks-{uuid4()}"
    async with Worker(temporal, task_queue=queue, workflows=[SendOnce], activities=[sending.turns.take_turn]):
        handle = await temporal.start_workflow(SendOnce.run, request, id=queue, task_queue=queue)
        with suppress(WorkflowFailureError):
            await handle.result()
    return (await handle.fetch_history()).to_json()


@faults
async def test_worker(
    fault: str, temporal: Client, database: Database, sending: Sending, written: StringIO, postgres_log: Any
) -> None:
    await break_table(database, fault, "message", "body")
    history = await history_of_one_send(temporal, sending)
    no_trace(history, written.getvalue(), postgres_log())
    assert "INSERT INTO" not in history + written.getvalue()
    (line,) = [line for line in written.getvalue().splitlines() if "Completing activity as failed" in line]
    assert "activities/steps/send.py" in line  # the place is there instead


async def test_provider_that_quotes_the_address(
    temporal: Client, database: Database, organization: Any, written: StringIO
) -> None:
    provider = Provider()
    provider.before[PERSON["phone"]] = ChannelError(f"{PERSON['phone']} is busy", permanent=False)
    history = await history_of_one_send(temporal, Sending(database, organization[0], provider))
    no_trace(history, written.getvalue())


async def test_provider_that_breaks_and_quotes_the_address(
    temporal: Client, database: Database, organization: Any, written: StringIO
) -> None:
    answer = Answer(500, [], json.dumps({"error": f"{PERSON['phone']} is busy"}).encode())
    with pytest.raises(UnclearAnswer) as unclear:
        read_answer(answer, AnswerMapping.model_validate({"code": "$.error"}), uuid4())
    provider = Provider()
    provider.after[PERSON["phone"]] = unclear.value
    history = await history_of_one_send(temporal, Sending(database, organization[0], provider))
    no_trace(history, written.getvalue())
    assert "The provider answered 500." in history


@faults
async def test_api(fault: str, api: Caller, database: Database, written: StringIO, postgres_log: Any) -> None:
    await break_table(database, fault, "contact", "first_name")
    answer = await api.post("/contacts", json=PERSON)
    assert answer.status_code in {500, 503}
    no_trace(answer.text, written.getvalue(), postgres_log())
    assert "INSERT INTO" not in written.getvalue()
    assert "path=/v1/contacts" in written.getvalue()
    assert "models/" in written.getvalue() or "57P01" in written.getvalue()  # the place or the kind is there instead


@faults
async def test_redirect(
    fault: str, database: Database, database_url: str, organization: Any, written: StringIO, postgres_log: Any
) -> None:
    sent = await send(database, organization[0].id)
    await break_table(database, fault, "click_inbox", "user_agent")
    inbox = Inbox(database_url)
    with pytest.raises((Away, Refused)) as caught:
        await inbox.store([click(sent, user_agent="Canary/1.0 (canary@example.com)")], [])
    await inbox.close()
    no_trace(str(caught.value), written.getvalue(), postgres_log())


@faults
async def test_bounces(
    fault: str, sending: Sending, settings: Settings, database: Database, written: StringIO, postgres_log: Any
) -> None:
    (contact,) = await sending.contacts(**PERSON)
    await sending.send_step(await sending.enrollment(contact))
    addresses = MessageAddresses(settings.effective_token_keys)
    to = addresses.address(TokenUse.BOUNCE, (await sending.message()).id, "bounce@shop.example")
    await break_table(database, fault, "suppression", "address")
    listener = BounceListener(MailTaker(database, addresses), addresses, "127.0.0.1", 0, None, None)
    port = await listener.start()
    mail = samples.QMAIL.format(to=to, sender=PERSON["email"], message_id="x@shop.example")
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) as client:
        with pytest.raises(aiosmtplib.SMTPDataError) as caught:
            await client.sendmail("", [to], mail)
    await listener.stop()
    no_trace(str(caught.value), written.getvalue(), postgres_log())
    assert "a mail could not be taken" in written.getvalue()


async def test_the_end_of_an_enrollment_is_logged_without_the_words_of_a_provider(
    sending: Sending, database: Database, written: StringIO
) -> None:
    (contact,) = await sending.contacts(**PERSON)
    enrollment = await sending.enrollment(contact)
    await sending.turn(enrollment, end=Over(state="failed", outcome=f"{PERSON['phone']} is busy"))
    assert f"enrollment_id={enrollment.id}" in written.getvalue()
    no_trace(written.getvalue())


@workflow.defn(sandboxed=False)
class Broken:
    """Each of its tasks fails."""

    @workflow.run
    async def run(self) -> None:
        raise ValueError(PERSON["email"])


async def test_what_the_clients_own_part_says_of_a_failing_task_is_a_line_like_all_others(
    temporal: Client, settings: Settings
) -> None:
    """That part is no Python: by itself it writes to stdout, in a form of its own."""
    stream, queue = StringIO(), f"leaks-{uuid4()}"
    made = handler(settings.model_copy(update={"log_format": "json"}), stream)
    logging.getLogger().addHandler(made)
    client = await connect(
        settings.model_copy(
            update={"temporal_address": temporal.service_client.config.target_host, "temporal_namespace": temporal.namespace}
        )
    )
    async with Worker(client, task_queue=queue, workflows=[Broken]):
        handle = await client.start_workflow(Broken.run, id=queue, task_queue=queue)
        async with asyncio.timeout(30):
            while "sdk_core" not in stream.getvalue():  # noqa: ASYNC110 - the line comes from a thread that is no Python
                await asyncio.sleep(0.05)
        await handle.terminate()
    logging.getLogger().removeHandler(made)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert any("sdk_core" in line["event"] for line in lines)
    no_trace(stream.getvalue(), (await handle.fetch_history()).to_json())
