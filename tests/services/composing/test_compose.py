"""From a content and a contact to a message, as it is stored and sent."""

import threading
from typing import Any

import psycopg
import pytest

from models.database import psycopg_url
from models.messages.content import PersonalLink
from models.messages.message import Message, MessageState
from services.composing import compose, rendering
from tests.sending import BODY, CODEC, DOMAIN, Sending
from tracking.tokens.token import Token
from tracking.tokens.unsubscribe import UNSUBSCRIBE_POSITION

OPEN_TRANSACTIONS = """
SELECT pid, query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND backend_type = 'client backend' AND xact_start IS NOT NULL
"""
MERGE = "Your page: https://example.com/{{ contact.external_id }}?name={{ contact.first_name }}"


async def composed(sending: Sending, body: str, tracking: bool | None = None, **contact: Any) -> Message:
    """The message after its step has been taken."""
    (person,) = await sending.contacts(**contact)
    await sending.send_step(await sending.enrollment(person, body, tracking))
    return await sending.message()


async def test_a_link_that_becomes_no_address_fails_the_message(simulated: Sending) -> None:
    message = await composed(simulated, "https://{{ contact.first_name }}.example.com/", first_name="a b..")
    assert (message.state, message.body) == ("failed", None)
    assert message.reason
    assert await simulated.inbox() == []


async def test_a_message_that_costs_too_much_fails_alone_with_the_reason(simulated: Sending) -> None:
    await simulated.contacts(first_name="Ada")
    await simulated.contacts(first_name="Bob", properties={"list": ["x"] * 600})
    loop = "{% for each in contact.properties.list %}{{ each }}{% endfor %}"
    await simulated.send_page(await simulated.campaign(f"Hello {loop}{loop}"))
    states = {message.state: message.reason or "" for message in await simulated.messages()}
    assert set(states) == {MessageState.ACCEPTED, MessageState.FAILED}
    assert "more than 1,000 rounds" in states[MessageState.FAILED]


async def test_messages_are_written_away_from_the_event_loop(simulated: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[str] = set()

    def render(source: str, **values: Any) -> str:
        threads.add(threading.current_thread().name)
        return source

    monkeypatch.setattr(rendering, "render", render)
    await composed(simulated, "Hello")
    await simulated.send_page(await simulated.campaign("Hello"))
    assert threads
    assert threading.main_thread().name not in threads


async def test_no_transaction_is_open_and_no_row_locked_while_messages_are_written(
    simulated: Sending, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked by a connection that belongs to nobody else, in the middle of each rendering."""
    found: list[list[tuple[Any, ...]]] = []

    def render(source: str, **values: Any) -> str:
        with psycopg.connect(psycopg_url(database_url)) as connection:
            found.append(connection.execute(OPEN_TRANSACTIONS).fetchall())
        return source

    monkeypatch.setattr(rendering, "render", render)
    await composed(simulated, "Hello")
    await simulated.send_page(await simulated.campaign("Hello"))
    assert found == [[], []]


async def test_a_template_that_meets_a_value_it_cannot_take_fails_the_message(simulated: Sending) -> None:
    message = await composed(simulated, "{{ contact.first_name | divided_by: 0 }} https://example.com")
    assert message.state == "failed"
    assert message.reason


@pytest.mark.parametrize(("medium", "reason"), [("sms", "no_phone"), ("email", "no_email")])
async def test_the_reason_names_the_address_that_is_missing(simulated: Sending, medium: str, reason: str) -> None:
    await simulated.contacts(phone=None)
    await simulated.send_page(await simulated.campaign(medium=medium))
    message = await simulated.message()
    assert (message.state, message.reason) == ("skipped", reason)


@pytest.mark.parametrize("level", ["organization", "sequence"])
async def test_with_tracking_off_links_go_out_as_they_were_written(simulated: Sending, level: str) -> None:
    if level == "organization":
        await simulated.change(simulated.organization, link_tracking=False)
    tracking = False if level == "sequence" else None
    text = "See HTTPS://Example.com/offer or https://example.com/offer"
    message = await composed(simulated, text, tracking)
    assert message.body == text
    assert not message.tracked


async def test_a_sequence_cannot_turn_on_what_the_organization_has_turned_off(simulated: Sending) -> None:
    await simulated.change(simulated.organization, link_tracking=False)
    assert not (await composed(simulated, BODY, tracking=True)).tracked


async def test_an_untracked_merge_link_is_filled_in_and_needs_no_row(simulated: Sending) -> None:
    message = await composed(simulated, MERGE, tracking=False, external_id="a 1", first_name="Ünal")
    assert message.body == "Your page: https://example.com/a%201?name=%C3%9Cnal"
    assert await simulated.personal_links() == []


async def test_a_tracked_link_is_the_token_of_its_recipient(simulated: Sending) -> None:
    message = await composed(simulated, BODY)
    assert message.body is not None
    before, _, token = message.body.rpartition("/")
    assert before == f"Hello Ada: {DOMAIN}"
    assert CODEC.decode(token) == Token(message.content_id, message.recipient_number, 0)
    assert message.tracked


async def test_a_tracked_merge_link_keeps_its_destination_for_this_recipient(simulated: Sending) -> None:
    message = await composed(simulated, MERGE, external_id="a1", first_name="Ünal")
    (link,) = await simulated.personal_links()
    place = PersonalLink(content_id=message.content_id, recipient_number=message.recipient_number, position=0, url=link.url)
    assert link == place
    assert link.url == "https://example.com/a1?name=%C3%9Cnal"


async def test_the_organizations_own_domain_carries_its_links(simulated: Sending) -> None:
    await simulated.change(simulated.organization, link_domain="https://go.shop.example/")
    message = await composed(simulated, BODY)
    assert message.body is not None
    assert message.body.startswith("Hello Ada: https://go.shop.example/")
    assert "example//" not in message.body


@pytest.mark.parametrize("tracking", [None, False])
async def test_the_unsubscribe_address_is_a_token_of_its_recipient_that_no_link_has(
    simulated: Sending, tracking: bool | None
) -> None:
    message = await composed(simulated, "Stop: {{ unsubscribe_url }}", tracking)
    assert message.body == f"Stop: {message.unsubscribe_url}"
    before, _, token = (message.unsubscribe_url or "").rpartition("/")
    assert before == f"{DOMAIN}/unsubscribe"
    assert CODEC.decode(token) == Token(message.content_id, message.recipient_number, UNSUBSCRIBE_POSITION)


async def test_a_marketing_mail_that_would_hide_the_unsubscribe_address_is_not_sent(simulated: Sending) -> None:
    body = "Hello {{ contact.first_name }}{% unless contact.first_name == 'Bob' %} {{ unsubscribe_url }}{% endunless %}"
    await simulated.contacts(first_name="Ada", email="ada@example.com")
    await simulated.contacts(first_name="Bob", email="bob@example.com")
    await simulated.send_page(await simulated.campaign(body, medium="email"))
    reasons = {message.to_address: message.reason for message in await simulated.messages()}
    assert reasons["ada@example.com"] is None
    assert "would not see unsubscribe_url" in (reasons["bob@example.com"] or "")
    assert [each.to_address for each in await simulated.inbox()] == ["ada@example.com"]


async def test_what_is_not_known_of_a_contact_is_left_empty(simulated: Sending) -> None:
    message = await composed(simulated, "Hello {{ contact.first_name }}{{ contact.properties.pet }}!", first_name=None)
    assert message.body == "Hello !"


@pytest.mark.parametrize(
    ("body", "properties"),
    [
        ('Hello {{ "%00" | url_decode }}', {}),
        ("Hello {{ contact.properties.note | url_decode }}", {"note": "a%00b"}),
        ("{{ contact.properties.note | url_decode | divided_by: 0 }}", {"note": "a%00b"}),
    ],
)
async def test_a_text_that_cannot_be_kept_fails_the_message(simulated: Sending, body: str, properties: dict[str, str]) -> None:
    message = await composed(simulated, body, properties=properties)
    assert (message.state, message.body) == ("failed", None)
    assert message.reason
    assert await simulated.inbox() == []


async def test_a_text_that_is_empty_for_a_contact_is_no_message(simulated: Sending) -> None:
    message = await composed(simulated, " {{ contact.properties.note }}\n")
    assert (message.state, message.reason) == ("failed", "the text is empty for this contact")


async def test_an_error_that_nobody_thought_of_fails_its_own_message(simulated: Sending, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(compose, "render_message", broken)
    message = await composed(simulated, BODY)
    assert (message.state, message.reason) == ("failed", "the message could not be composed: RecursionError: too deep")
