"""The address for unsubscribing as mail providers, people and scanners use it."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from temporalio.client import Client

from api.redirect.answering.rate_limit import RateLimit
from api.redirect.unsubscribing import answer as answering
from api.redirect.unsubscribing.answer import LOOKS
from api.redirect.unsubscribing.unsubscribes import REPEATS
from models.base import now
from models.contacts.contact import Contact as Person
from models.database import Database
from models.organizations.organization import Organization, create_organization
from settings import Settings
from tests.api.redirect.contact import Contact, running
from tests.api.redirect.unsubscribing.mails import Mails, send_mails
from tests.builders import hold
from tests.clicks import add_personal_link, rows, send
from tests.sending import BODY, Sending
from tracking.tokens.token import TokenCodec

Org = tuple[Organization, str]
CONSENT = "SELECT contact_id, state, medium, channel_id, message_kind, source FROM consent ORDER BY given_at, id"
ONE_CLICK = {"List-Unsubscribe": "One-Click"}
ALL = ["email.marketing", "email.transactional", "sms.marketing", "sms.transactional"]
OUT = (None, None, None, "unsubscribe_link")


@pytest.fixture
async def mails(database: Database, organization: Org) -> Mails:
    return await send_mails(database, organization[0].id, people=2)


async def change(database: Database, organization: Org, **values: Any) -> None:
    async with database.transaction() as session:
        row = await session.get_one(Organization, organization[0].id)
        for name, value in values.items():
            setattr(row, name, value)


def stand_still(limit: RateLimit) -> None:
    """On a slow machine too, nothing is taken again while a test is running."""
    now = limit._clock()
    limit._clock = lambda: now


def boxes(answer: httpx.Response) -> dict[str, bool]:
    """The boxes of the page, and whether each is ticked."""
    found = re.findall(r'<input type="checkbox" name="wanted" value="([a-z.]+)"( checked)?>', answer.text)
    return {name: bool(ticked) for name, ticked in found}


@pytest.mark.parametrize("path", ["", "x", "AAAAAAAAAAAAAA", "AAAAAAAAAAAAAA/preferences", "%00", "a/b", "ü"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_what_is_no_token_of_ours_is_unknown(contact: Contact, database: Database, method: str, path: str) -> None:
    answer = await contact.client.request(method, f"/unsubscribe/{path}")
    assert answer.status_code == 404
    assert await rows(database, CONSENT) == []


async def test_the_token_of_a_link_unsubscribes_nobody(contact: Contact, database: Database, organization: Org) -> None:
    sent = await send(database, organization[0].id)
    assert (await contact.client.post(f"/unsubscribe/{contact.token(sent)}")).status_code == 404
    assert await rows(database, CONSENT) == []


async def test_a_message_that_nobody_got_is_unknown(contact: Contact, database: Database, mails: Mails) -> None:
    for method in ("GET", "POST"):
        assert (await contact.client.request(method, mails.path(contact.codec, 7))).status_code == 404
    assert await rows(database, CONSENT) == []


async def test_whoever_guesses_tokens_is_told_to_stop(settings: Settings, temporal: Client) -> None:
    async with running(settings.model_copy(update={"miss_limit": 2}), temporal) as contact:
        answers = [await contact.client.post("/unsubscribe/AAAAAAAAAAAAAA") for _ in range(3)]
    assert [each.status_code for each in answers] == [404, 404, 429]
    assert answers[-1].headers["retry-after"] == "60"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_scanner_that_opens_the_address_changes_nothing(
    contact: Contact, database: Database, mails: Mails, method: str
) -> None:
    for path in (mails.path(contact.codec), f"{mails.path(contact.codec)}/preferences"):
        assert (await contact.client.request(method, path)).status_code == 200
    assert await rows(database, CONSENT) == []
    assert await rows(database, "SELECT id FROM click_inbox") == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_not_allowed(contact: Contact, mails: Mails, method: str) -> None:
    answer = await contact.client.request(method, mails.path(contact.codec))
    assert answer.status_code == 405
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
        {"content": b"\xff\x00" * 50_000, "headers": {"Content-Type": "multipart/form-data"}},
    ],
    ids=["urlencoded", "multipart", "empty", "nonsense"],
)
async def test_one_post_without_cookie_or_login_is_enough(
    contact: Contact, database: Database, mails: Mails, body: dict[str, Any]
) -> None:
    answer = await contact.client.post(mails.path(contact.codec, 1), **body)
    assert (answer.status_code, answer.history) == (200, [])
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "private, no-store"
    assert await rows(database, CONSENT) == [(mails.people[1], "opted_out", *OUT)]
    assert await rows(database, "SELECT id FROM click_inbox") == []


async def test_twice_is_once_and_the_proof_names_the_message(contact: Contact, database: Database, mails: Mails) -> None:
    for _ in range(3):
        assert (await contact.client.post(mails.path(contact.codec))).status_code == 200
    ((proof, message_id),) = await rows(
        database, "SELECT proof, message.id FROM consent JOIN message USING (contact_id) WHERE recipient_number = 0"
    )
    assert proof["message_id"] == str(message_id)


async def test_somebody_who_opted_in_again_can_unsubscribe_again(contact: Contact, database: Database, mails: Mails) -> None:
    path = mails.path(contact.codec)
    await contact.client.post(path)
    await contact.client.post(f"{path}/preferences", data={"shown": ALL, "wanted": ["email.marketing"]})
    await contact.client.post(path)
    assert [state for _, state, *_ in await rows(database, CONSENT)] == ["opted_out", "opted_in", "opted_out"]


@pytest.mark.parametrize("scope", ["channel", "medium"])
async def test_the_organization_says_how_much_it_covers(
    contact: Contact, database: Database, organization: Org, mails: Mails, scope: str
) -> None:
    await change(database, organization, opt_out_scope=scope)
    await contact.client.post(mails.path(contact.codec))
    channel_id = mails.channel_id if scope == "channel" else None
    assert await rows(database, CONSENT) == [(mails.people[0], "opted_out", "email", channel_id, None, "unsubscribe_link")]


async def test_running_enrollments_are_asked_to_stop_in_the_same_commit(
    contact: Contact, database: Database, organization: Org, simulated: Sending
) -> None:
    (person,) = await simulated.contacts()
    enrollment = await simulated.enrollment(person, BODY)
    mails = await send_mails(database, organization[0].id, phone=None)
    async with database.transaction() as session:
        await session.execute(text("UPDATE message SET contact_id = :person"), {"person": person.id})
    await contact.client.post(mails.path(contact.codec))
    asked = "SELECT stop_requested_at IS NOT NULL FROM enrollment WHERE id = :id"
    assert await rows(database, asked, id=enrollment.id) == [True]
    assert await rows(database, "SELECT kind FROM command") == ["stop"]


async def test_whoever_repeats_one_token_without_end_is_told_to_wait(contact: Contact, mails: Mails) -> None:
    stand_still(contact.app.state.parts.unsubscribes._repeats)
    answers = [await contact.client.post(mails.path(contact.codec)) for _ in range(REPEATS + 1)]
    assert [each.status_code for each in answers] == [200] * REPEATS + [429]
    assert answers[-1].headers["retry-after"] == "60"
    assert (await contact.client.post(mails.path(contact.codec, 1))).status_code == 200


@pytest.mark.parametrize("path", ["", "/preferences"])
async def test_an_erased_person_is_told_that_nothing_was_changed(
    contact: Contact, database: Database, mails: Mails, path: str
) -> None:
    async with database.transaction() as session:
        (await session.get_one(Person, mails.people[0])).erased_at = now()
    posted = await contact.client.post(f"{mails.path(contact.codec)}{path}", data={"shown": ALL})
    for answer in (posted, await contact.client.get(mails.path(contact.codec))):
        assert answer.status_code == 200
        assert "nothing has been changed" in answer.text
        assert "It holds from now on" not in answer.text
        assert "<form" not in answer.text
    assert await rows(database, CONSENT) == []


async def test_a_text_message_has_no_choices_so_none_are_taken(contact: Contact, database: Database, organization: Org) -> None:
    sms = await send_mails(database, organization[0].id, channel="simulator-sms")
    path = sms.path(contact.codec)
    await contact.client.post(path)
    answer = await contact.client.post(f"{path}/preferences", data={"shown": ALL, "wanted": ALL})
    assert answer.status_code == 404
    assert [state for _, state, *_ in await rows(database, CONSENT)] == ["opted_out"]


async def test_a_token_works_on_every_host_because_the_right_to_leave_does_not_depend_on_a_name(
    contact: Contact, database: Database, mails: Mails
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, other.id, "go.other.test")
    await contact.app.state.parts.shared.refresh()
    answer = await contact.client.post(mails.path(contact.codec), headers={"Host": "go.other.test"})
    assert answer.status_code == 200
    assert len(await rows(database, CONSENT)) == 1


async def test_on_the_host_of_another_organization_the_page_says_nothing_that_its_sender_has_written(
    contact: Contact, database: Database, mails: Mails
) -> None:
    async with database.transaction() as session:
        other, _ = await create_organization(session, "Other")
    await hold(database, other.id, "go.other.test")
    await hold(database, mails.org_id, "go.test.test")
    await contact.app.state.parts.shared.refresh()
    named = {}
    for host in ("Go.Other.test:443", "go.test.test", "link.test"):
        page = await contact.client.get(mails.path(contact.codec), headers={"Host": host})
        assert boxes(page) == dict.fromkeys(ALL, True)
        named[host] = "Test organization" in page.text
    assert named == {"Go.Other.test:443": False, "go.test.test": True, "link.test": True}


async def test_the_page_has_a_button_and_for_mail_a_choice_of_kinds_and_media(
    contact: Contact, database: Database, organization: Org, mails: Mails
) -> None:
    page = await contact.client.get(mails.path(contact.codec))
    assert "you get no more messages from Test organization." in page.text
    assert f'<form method="post" action="{mails.path(contact.codec)}">' in page.text
    assert boxes(page) == dict.fromkeys(ALL, True)
    sms = await send_mails(database, organization[0].id, channel="simulator-sms", email="x@example.com", phone="+15555550123")
    page = await contact.client.get(sms.path(contact.codec))
    assert "<button>Unsubscribe</button>" in page.text
    assert boxes(page) == {}


async def test_a_medium_at_which_nobody_can_be_reached_is_not_offered(
    contact: Contact, database: Database, organization: Org
) -> None:
    mails = await send_mails(database, organization[0].id, phone=None)
    path = mails.path(contact.codec)
    assert list(boxes(await contact.client.get(path))) == ALL[:2]
    await contact.client.post(f"{path}/preferences", data={"shown": ALL})
    assert [row[2:5] for row in await rows(database, CONSENT)] == [
        ("email", None, "marketing"),
        ("email", None, "transactional"),
    ]


async def test_where_consent_is_asked_for_first_silence_is_a_no_to_marketing(
    contact: Contact, database: Database, organization: Org, mails: Mails
) -> None:
    await change(database, organization, consent_required=["sms"])
    page = await contact.client.get(mails.path(contact.codec))
    assert boxes(page) == {**dict.fromkeys(ALL, True), "sms.marketing": False}


async def test_only_what_a_choice_changes_is_recorded(contact: Contact, database: Database, mails: Mails) -> None:
    path = mails.path(contact.codec)
    answer = await contact.client.post(f"{path}/preferences", data={"shown": ALL, "wanted": ALL[1:]})
    assert answer.status_code == 200
    assert await rows(database, CONSENT) == [(mails.people[0], "opted_out", "email", None, "marketing", "preference_page")]
    assert boxes(await contact.client.get(path)) == {**dict.fromkeys(ALL, True), "email.marketing": False}
    await contact.client.post(f"{path}/preferences", data={"shown": ALL, "wanted": ALL[1:]})
    assert len(await rows(database, CONSENT)) == 1


async def test_whoever_gets_nothing_can_choose_to_get_something_again(contact: Contact, database: Database, mails: Mails) -> None:
    path = mails.path(contact.codec)
    await contact.client.post(path)
    page = await contact.client.get(path)
    assert "<h1>You are unsubscribed</h1>" in page.text
    assert boxes(page) == dict.fromkeys(ALL, False)
    await contact.client.post(f"{path}/preferences", data={"shown": ALL, "wanted": ["sms.transactional"]})
    last = (await rows(database, CONSENT))[-1]
    assert last == (mails.people[0], "opted_in", "sms", None, "transactional", "preference_page")


@pytest.mark.parametrize("body", [b"", b"shown=fax.marketing", b"shown=%ff&\xff", b"shown=email.marketing&" * 30])
async def test_a_body_that_is_no_choice_changes_nothing(contact: Contact, database: Database, mails: Mails, body: bytes) -> None:
    answer = await contact.client.post(f"{mails.path(contact.codec)}/preferences", content=body)
    assert (answer.status_code, "has not arrived" in answer.text) == (400, True)
    assert await rows(database, CONSENT) == []


async def test_while_nobody_can_say_what_the_person_gets_the_page_has_the_button_alone(
    contact: Contact, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr(answering, "preference_page", away)
    page = await contact.client.get(mails.path(contact.codec))
    assert (page.status_code, "<button>Unsubscribe</button>" in page.text, boxes(page)) == (200, True, {})


async def test_whoever_opens_one_page_without_end_is_shown_the_button_alone(contact: Contact, mails: Mails) -> None:
    stand_still(contact.app.state.parts.unsubscribing._looks)
    pages = [await contact.client.get(mails.path(contact.codec)) for _ in range(LOOKS + 1)]
    assert [bool(boxes(each)) for each in pages] == [True] * LOOKS + [False]
    assert (pages[-1].status_code, "<button>Unsubscribe</button>" in pages[-1].text) == (200, True)
    assert boxes(await contact.client.get(mails.path(contact.codec, 1)))
    assert (await contact.client.post(mails.path(contact.codec))).status_code == 200


async def test_pages_that_hang_leave_connections_for_links_with_merge_fields(
    contact: Contact, database: Database, organization: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails, over, begun = await send_mails(database, organization[0].id, people=8), asyncio.Event(), asyncio.Event()
    sent = await send(database, organization[0].id, ["https://example.com/{{ contact.id }}"])
    await add_personal_link(database, sent, 0, "https://example.com/ann")

    async def hangs(session: AsyncSession, *_: object) -> None:
        await session.execute(text("SELECT 1"))
        begun.set()
        await over.wait()

    monkeypatch.setattr(answering, "preference_page", hangs)
    monkeypatch.setattr(answering, "LOOK_SECONDS", 60.0)
    async with asyncio.TaskGroup() as group:
        for person in range(8):
            group.create_task(contact.client.get(mails.path(contact.codec, person)))
        await begun.wait()
        assert (await contact.click(sent)).headers.get("location") == "https://example.com/ann"
        over.set()


async def test_the_name_of_an_organization_is_text_and_never_markup(
    contact: Contact, database: Database, organization: Org, mails: Mails
) -> None:
    await change(database, organization, name="<script>&</script>")
    assert "&lt;script&gt;&amp;&lt;/script&gt;" in (await contact.client.get(mails.path(contact.codec))).text


async def test_the_pages_load_nothing_and_send_forms_to_this_server_alone(contact: Contact, mails: Mails) -> None:
    path = mails.path(contact.codec)
    shown = await contact.client.get(path)
    for page in (shown, await contact.client.post(path), await contact.client.get(path)):
        assert re.findall(r"(?:https?:)?//|<script|<link|<img|@import|url\(| on\w+=", page.text) == []
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "form-action 'self'" in policy
        assert '<meta name="viewport"' in page.text


@pytest.mark.parametrize("after", [".", "/)", "查看"])
async def test_what_ran_into_the_address_does_not_matter(contact: Contact, mails: Mails, after: str) -> None:
    page = await contact.client.get(mails.path(contact.codec) + after)
    assert f'action="{mails.path(contact.codec)}"' in page.text


async def test_two_host_headers_are_refused(contact: Contact, mails: Mails) -> None:
    headers = [("Host", "a.test"), ("Host", "b.test")]
    assert (await contact.client.post(mails.path(contact.codec), headers=headers)).status_code == 400


async def test_the_keys_of_another_server_open_nothing(contact: Contact, mails: Mails) -> None:
    assert (await contact.client.post(mails.path(TokenCodec([b"x" * 32])))).status_code == 404
