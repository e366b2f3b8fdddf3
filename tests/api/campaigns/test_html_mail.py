"""E-mail with an HTML part, from the draft to the mailbox."""

from html import escape
from typing import Any
from uuid import UUID

import pytest

from models.campaigns.campaign import Campaign
from models.database import Database
from models.organizations.organization import Organization
from services.composing.compose import Composer
from services.composing.recipient_numbers import RecipientNumbers
from services.composing.threads import Composing
from settings import Settings
from tests.api.campaign_builders import add_contacts, draft, fields, new_campaign
from tests.builders import Caller
from tests.sending import Sending
from tracking.tokens.token import TokenCodec

MAIL = {
    "kind": "transactional",
    "subject": "Hello",
    "body": "Look: https://x.test/?a=1&b=2",
    "html": '<p>{{ contact.first_name }}</p><A HREF="https://x.test/?a=1&amp;b=2" >x</A><a href=https://y.test/{{ contact.id }}>',
}


@pytest.fixture
def sending(database: Database, organization: tuple[Organization, str], settings: Settings) -> Sending:
    sending = Sending(database, organization[0])
    composer = Composer(TokenCodec(settings.effective_token_keys), "https://l.test")
    sending.pages._composing = Composing(composer, RecipientNumbers(database))
    return sending


async def sent(api: Caller, database: Database, sending: Sending, **changes: Any) -> dict[str, Any]:
    """The message that one contact got."""
    await add_contacts(database, sending.org_id, 1, email="ada@example.com", first_name="<b>Ada</b>", tags=["all"])
    audience = {"tags": ["all"], "contact_ids": []}
    campaign_id = await new_campaign(api, channel="simulator-email", message=MAIL, audience=audience, **changes)
    launched = await api.post(f"/campaigns/{campaign_id}/launch")
    assert launched.status_code == 202, launched.text
    async with database.transaction() as session:
        campaign = await session.get_one(Campaign, UUID(campaign_id))
    await sending.send_page(campaign)
    (message,) = (await api.get("/messages")).json()["items"]
    return dict((await api.get(f"/messages/{message['id']}")).json())


async def test_a_text_message_has_no_html(api: Caller) -> None:
    message = {"body": "Hello", "html": "<p>Hello</p>"}
    assert "no HTML" in fields(await api.post("/campaigns", json=draft(message=message)))["message.html"]


@pytest.mark.parametrize("html", ["{{ contact.nope }}", "<p>{{ contact.first_name | safe }}</p>", ""])
async def test_html_that_is_no_template_is_refused_at_save(api: Caller, html: str) -> None:
    answer = await api.post("/campaigns", json=draft(channel="simulator-email", message={**MAIL, "html": html}))
    assert list(fields(answer)) == ["message.html"]


async def test_a_link_in_html_that_leads_nowhere_is_refused_with_its_place(api: Caller) -> None:
    campaign_id = await new_campaign(api, channel="simulator-email", message={**MAIL, "html": '<a href="https://a:b@x.test/">'})
    found = fields(await api.post(f"/campaigns/{campaign_id}/preview", json={}))
    assert found["message.html"].startswith("Line 1, column 10: ")


async def test_the_preview_shows_both_parts(api: Caller) -> None:
    campaign_id = await new_campaign(api, channel="simulator-email", message=MAIL)
    shown = (await api.post(f"/campaigns/{campaign_id}/preview", json={})).json()
    assert shown["html"].startswith('<p>Ada</p><A HREF="http://127.0.0.1:8001/xxxxxxxxxxxxxx" >x</A>')
    assert shown["sms"] is None


async def test_both_parts_of_a_mail_share_their_tracked_links(api: Caller, database: Database, sending: Sending) -> None:
    message = await sent(api, database, sending)
    shared, own = message["links"]
    assert message["body"] == f"Look: {shared['url']}"
    assert message["html"] == f'<p>&lt;b&gt;Ada&lt;/b&gt;</p><A HREF="{shared["url"]}" >x</A><a href={own["url"]}>'
    assert (shared["destination"], own["destination"]) == (
        "https://x.test/?a=1&b=2",
        f"https://y.test/{message['contact_id']}",
    )


async def test_with_tracking_off_the_html_is_as_its_author_wrote_it(api: Caller, database: Database, sending: Sending) -> None:
    message = await sent(api, database, sending, link_tracking=False)
    expected = MAIL["html"].replace("{{ contact.first_name }}", escape("<b>Ada</b>"))
    assert message["html"] == expected.replace("{{ contact.id }}", message["contact_id"])
    assert [link["url"] for link in message["links"]] == ["https://x.test/?a=1&b=2"]


async def test_the_mailbox_has_both_parts_and_the_conversation_the_text(
    api: Caller, database: Database, sending: Sending
) -> None:
    message = await sent(api, database, sending)
    (received,) = (await api.get(f"/channels/{message['channel_id']}/inbox")).json()["items"]
    assert (received["body"], received["html"]) == (message["body"], message["html"])
    assert received["links"] == [link["url"] for link in message["links"]]
    (item,) = (await api.get(f"/contacts/{message['contact_id']}/conversation")).json()["items"]
    assert item["body"] == message["body"]
    assert "html" not in item


async def test_the_length_of_a_text_message_counts_its_tracked_links(api: Caller) -> None:
    campaign_id = await new_campaign(api, message={"body": "https://x.test/" + "a" * 300})
    shown = (await api.post(f"/campaigns/{campaign_id}/preview", json={})).json()
    assert shown["sms"] == {"encoding": "GSM-7", "segments": 1, "units": len("http://127.0.0.1:8001/") + 14}
    campaign_id = await new_campaign(api, message={"body": "https://x.test/" + "a" * 300}, link_tracking=False)
    shown = (await api.post(f"/campaigns/{campaign_id}/preview", json={})).json()
    assert shown["sms"]["segments"] == 3
