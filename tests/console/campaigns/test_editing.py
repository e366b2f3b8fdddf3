"""The editor of a draft: what it saves, what it keeps when the API refuses, and what its buttons change."""

from typing import Any
from uuid import UUID

import pytest

from models.database import Database
from models.organizations.organization import create_organization
from tests.api.campaign_builders import OFFER, new_campaign, new_sequence
from tests.builders import Caller
from tests.console.conftest import Browser, Shown, with_role

TEXT = "Hello {{ contact.first_name }}: {{ links.offer }}"
TYPED = {
    "name": "Spring",
    "channel": "simulator-sms",
    "link_tracking": "on",
    "message.kind": "marketing",
    "message.body": TEXT,
    "message.links[0].name": "offer",
    "message.links[0].url": "https://www.example.com/offer",
}


def fields(shown: Shown) -> dict[str, Any]:
    """What the editor would send as it is shown."""
    (form,) = shown.body.cssselect("form#editor")
    texts = {each.get("name") for each in form.cssselect("textarea")}
    return {name: value.removeprefix("\n") if name in texts else value for name, value in form.form_values()}


async def saved(api: Caller, shown: Shown) -> dict[str, Any]:
    assert shown.status == 303, shown.text
    found: dict[str, Any] = (await api.get(f"/campaigns/{shown.location.split('/')[3]}")).json()
    return found


async def test_a_new_campaign_is_saved_as_it_was_typed(browser: Browser, api: Caller) -> None:
    new = await browser.open("/campaigns/new")
    assert (new.status, new.value("channel")) == (200, "simulator-email")
    campaign = await saved(api, await browser.send("/campaigns/new", **TYPED, **{"audience.tags": "news, oslo"}))
    assert (campaign["name"], campaign["state"], campaign["channel"]) == ("Spring", "draft", "simulator-sms")
    assert campaign["message"]["body"] == TEXT
    assert campaign["message"]["links"] == {"offer": "https://www.example.com/offer"}
    assert campaign["audience"]["tags"] == ["news", "oslo"]
    assert campaign["link_tracking"] is None


async def test_every_part_comes_back_as_it_was_saved(browser: Browser, api: Caller) -> None:
    sequence, segment = await new_sequence(api), await new_segment(api)
    contact = (await api.post("/contacts", json={"email": "ada@example.com", "first_name": "Ada"})).json()["id"]
    await api.post("/notification-targets", json={"name": "Sales", "url": "json://www.example.com/"})
    triggers = [
        {
            "key": "hot",
            "link": "offer",
            "times": 3,
            "within": "P14D",
            "segment_id": segment,
            "actions": [
                {"kind": "tag", "tags": ["hot", "spring 2026"]},
                {"kind": "untag", "tags": ["cold"], "on_failure": "stop"},
                {"kind": "enroll", "sequence_id": sequence, "variables": {"offer": "spring", "percent": 10, "code": "10"}},
                {"kind": "set_field", "field": "properties.interest", "value": 'two "words"'},
                {"kind": "set_field", "field": "last_name", "value": None},
                {"kind": "send", "channel": "simulator-email", "message": {**OFFER, "kind": "transactional", "subject": "More"}},
            ],
        },
        {"key": "cold", "when": "not_clicked", "within": "PT36H", "actions": [{"kind": "tag", "tags": ["cold"]}]},
    ]
    message = {"subject": "S", "body": "x {{ unsubscribe_url }}", "html": "<p>\n{{ unsubscribe_url }}</p>", "valid_for": "PT4H"}
    audience = {"tags": ["a"], "exclude_tags": ["b", "c"], "segment_ids": [segment], "contact_ids": [contact]}
    campaign = await new_campaign(
        api,
        channel="simulator-email",
        message={**message, "links": OFFER["links"]},
        audience={**audience, "exclude_segment_ids": [segment]},
        link_tracking=False,
        utm={"source": "linkwake", "content": "{{ contact.properties.plan }}"},
        utm_overwrite=True,
        triggers=triggers,
    )
    before = (await api.get(f"/campaigns/{campaign}")).json()
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    again = await browser.send(f"/campaigns/{campaign}/edit", **fields(shown), do="save")
    after = await saved(api, again)
    assert after["updated_at"] > before["updated_at"]
    assert {**after, "updated_at": None} == {**before, "updated_at": None}


async def new_segment(api: Caller, name: str = "Everybody") -> str:
    answer = await api.post("/segments", json={"name": name, "definition": {"kind": "tags", "tags": ["a"]}})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_what_the_api_refuses_stays_typed_with_a_sentence_at_its_field(browser: Browser, api: Caller) -> None:
    typed = {**TYPED, "name": "", "message.body": "Hello {{ contact.frist_name }}", "audience.tags": "good, bad!"}
    typed |= {"triggers[0].key": "Not a key", "triggers[0].actions[0].kind": "tag", "triggers[0].actions[0].tags": "x!"}
    typed |= {"triggers[0].within.number": "soon", "message.links[0].url": "nonsense"}
    shown = await browser.send("/campaigns/new", **typed)
    assert shown.status == 422
    invalid = {each.get("name") for each in shown.body.cssselect("[aria-invalid=true]")}
    expected = {"name", "audience.tags", "triggers[0].key", "triggers[0].actions[0].tags", "triggers[0].within.number"}
    assert invalid >= expected
    for name, value in typed.items():
        assert shown.value(name) == value
    assert (await api.get("/campaigns")).json()["items"] == []


async def test_faults_of_the_text_stand_at_the_text(browser: Browser) -> None:
    shown = await browser.send("/campaigns/new", **{**TYPED, "message.body": "Hello {{ contact.frist_name }}"})
    (body,) = shown.body.cssselect("[aria-invalid=true]")
    assert (shown.status, body.get("name")) == (422, "message.body")
    assert "frist_name" in shown.all("p.fault")[0]
    shown = await browser.send("/campaigns/new", **{**TYPED, "message.body": ""})
    assert [each.get("name") for each in shown.body.cssselect("[aria-invalid=true]")] == ["message.body"]


async def test_two_links_of_one_name_are_refused_and_none_is_lost(browser: Browser) -> None:
    second = {"message.links[1].name": "offer", "message.links[1].url": "https://www.example.com/other"}
    shown = await browser.send("/campaigns/new", **TYPED, **second)
    assert shown.status == 422
    assert shown.value("message.links[1].url") == "https://www.example.com/other"
    assert "Two links" in shown.text


@pytest.mark.parametrize(
    ("does", "field", "there"),
    [
        ("add-link", "message.links[1].name", True),
        ("remove-link:0", "message.links[0].name", False),
        ("add-segment", "audience.segment_ids[0]", True),
        ("add-exclusion", "audience.exclude_segment_ids[0]", True),
        ("add-trigger", "triggers[1].key", True),
        ("remove-trigger:0", "triggers[0].key", False),
        ("add-action:0", "triggers[0].actions[1].channel", True),
        ("remove-action:0.0", "triggers[0].actions[0].tags", False),
        ("remove-action:7.7", "triggers[0].actions[0].tags", True),
        ("remove-link:-1", "message.links[0].name", True),
        ("add-action", "triggers[0].actions[0].tags", True),
    ],
)
async def test_buttons_change_the_form_and_save_nothing(
    browser: Browser, api: Caller, does: str, field: str, there: bool
) -> None:
    trigger = {"triggers[0].key": "hot", "triggers[0].actions[0].kind": "tag", "triggers[0].actions[0].tags": "x"}
    shown = await browser.send("/campaigns/new", **TYPED, **trigger, **{"triggers[0].add": "send"}, do=does)
    assert shown.status == 200
    assert bool(shown.body.cssselect(f'[name="{field}"]')) == there
    assert shown.value("name") == "Spring"
    assert (await api.get("/campaigns")).json()["items"] == []


async def test_a_message_of_an_action_has_links_of_its_own_and_actions_move_up(browser: Browser) -> None:
    trigger = {"triggers[0].key": "hot", "triggers[0].actions[0].kind": "tag", "triggers[0].actions[0].tags": "x"}
    trigger |= {"triggers[0].actions[1].kind": "send", "triggers[0].actions[1].channel": "simulator-sms"}
    shown = await browser.send("/campaigns/new", **TYPED, **trigger, do="add-link:0.1")
    assert shown.body.cssselect('[name="triggers[0].actions[1].message.links[0].url"]')
    shown = await browser.send("/campaigns/new", **TYPED, **trigger, do="raise-action:0.1")
    assert shown.value("triggers[0].actions[0].kind") == "send"
    assert shown.value("triggers[0].actions[1].tags") == "x"


async def test_people_are_added_by_whatever_they_are_known_by(browser: Browser, api: Caller) -> None:
    contact = (
        await api.post("/contacts", json={"email": "ada@example.com", "phone": "+15555550100", "external_id": "a-1"})
    ).json()["id"]
    for known in ("ADA@example.com", "+1 555 555 0100", "a-1", contact):
        shown = await browser.send("/campaigns/new", **TYPED, find_contact=known, do="add-contact")
        assert (shown.status, shown.value("audience.contact_ids[0]")) == (200, contact)
    for unknown in ("nobody@example.com", "", "../channels", "\x00"):
        shown = await browser.send("/campaigns/new", **TYPED, find_contact=unknown, do="add-contact")
        assert shown.status == 422
        assert (shown.value("name"), shown.body.cssselect('[name="audience.contact_ids[0]"]')) == ("Spring", [])


async def test_the_preview_is_of_what_is_typed_and_counts_segments(browser: Browser, api: Caller) -> None:
    contact = (await api.post("/contacts", json={"phone": "+15555550100", "first_name": "<b>Grace</b>"})).json()["id"]
    shown = await browser.send("/campaigns/preview", **TYPED, preview_as=contact)
    assert shown.all(".bubble")[0].startswith("Hello <b>Grace</b>: http")
    assert len(shown.body.cssselect(".bubble mark")) == 1
    assert shown.all(".meterline b") == ["1 segment"]
    shown = await browser.send("/campaigns/preview", **{**TYPED, "message.body": "x" * 160 + " " + TEXT})
    assert shown.all(".meterline b") == ["2 segments"]
    shown = await browser.send("/campaigns/preview", **{**TYPED, "message.body": "{{ nonsense"})
    assert (shown.status, len(shown.all(".consequence.bad"))) == (200, 1)


async def test_a_letter_is_a_page_whose_scripts_do_not_run(browser: Browser, api: Caller) -> None:
    html = "<style>p { color: red }</style><p>{{ contact.first_name }} {{ unsubscribe_url }}</p><script>alert(1)</script>"
    campaign = await new_campaign(api, channel="simulator-email", message={"subject": "S", "html": html})
    shown = await browser.open(f"/campaigns/{campaign}/letter")
    policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    assert shown.answer.headers["content-security-policy"] == policy
    assert "Ada" in shown.text
    typed = {**TYPED, "channel": "simulator-email", "message.subject": "S", "message.html": html.replace("p>", "h1>")}
    shown = await browser.send("/campaigns/letter", **typed)
    assert shown.all("h1")[0].startswith("Ada")
    shown = await browser.send("/campaigns/letter", **{**typed, "message.html": "{{ nonsense"})
    assert (shown.status, shown.answer.headers["content-security-policy"]) == (422, policy)


async def test_a_draft_is_deleted_and_a_campaign_duplicated_once(browser: Browser, api: Caller) -> None:
    campaign = await new_campaign(api, name="Spring")
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    once = {"once": shown.value("once")}
    copies = {(await browser.send(f"/campaigns/{campaign}/duplicate", **once)).location for _ in range(2)}
    (copy,) = copies
    assert (await browser.open(copy)).value("name") == "Spring, copy"
    assert (await browser.send(f"/campaigns/{campaign}/delete")).location == "/console/campaigns"
    assert (await browser.open(f"/campaigns/{campaign}/edit")).status == 404
    assert [each["name"] for each in (await api.get("/campaigns")).json()["items"]] == ["Spring, copy"]


async def test_the_same_form_sent_twice_makes_one_campaign(browser: Browser, api: Caller) -> None:
    once = (await browser.open("/campaigns/new")).value("once")
    first, second = [await browser.send("/campaigns/new", **TYPED, once=once) for _ in range(2)]
    assert first.location == second.location
    assert len((await api.get("/campaigns")).json()["items"]) == 1


async def test_what_was_launched_meanwhile_is_not_changed_and_stays_typed(browser: Browser, api: Caller) -> None:
    contact = (await api.post("/contacts", json={"phone": "+15555550100"})).json()["id"]
    campaign = await new_campaign(api, audience={"contact_ids": [contact]})
    await api.post(f"/campaigns/{campaign}/launch")
    shown = await browser.send(f"/campaigns/{campaign}/edit", **{**TYPED, "name": "Typed too late"})
    assert (shown.status, shown.value("name")) == (409, "Typed too late")
    assert (await browser.open(f"/campaigns/{campaign}/edit")).location == f"/console/campaigns/{campaign}"


async def test_a_viewer_reads_the_draft_and_changes_nothing(visitor: Browser, api: Caller) -> None:
    campaign = await new_campaign(api)
    browser = await with_role(visitor, api, "viewer")
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert shown.status == 200
    fields = "#editor input:not([type=hidden]), #editor select, #editor textarea, #editor button"
    assert [each.get("name") for each in shown.body.cssselect(fields) if each.get("disabled") is None] == []
    assert shown.all("main .actions button, main .actions a") == []
    for path in ("new", f"{campaign}/edit", f"{campaign}/delete", f"{campaign}/duplicate", f"{campaign}/launch"):
        assert (await browser.send(f"/campaigns/{path}", **TYPED)).status == 403
    assert (await browser.open("/campaigns/new")).status == 403


async def test_another_organizations_draft_is_not_there(browser: Browser, api: Caller, database: Database) -> None:
    async with database.transaction() as session:
        _, key = await create_organization(session, "Other")
    theirs = await new_campaign(api.with_key(key))
    for campaign in (theirs, UUID(int=1), "nonsense"):
        for page in ("edit", "launch", "letter", "audience"):
            assert (await browser.open(f"/campaigns/{campaign}/{page}")).status in (404, 422)
        assert (await browser.send(f"/campaigns/{campaign}/edit", **TYPED)).status in (404, 422)


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "\N{RIGHT-TO-LEFT OVERRIDE}gnirpS", "{{ 7 * 7 }}", '"><img src=x>']
)
async def test_hostile_texts_are_texts(browser: Browser, api: Caller, name: str) -> None:
    await new_segment(api, name)
    campaign = await new_campaign(api, name=name, message={"body": "{% raw %}" + name + "{% endraw %}"})
    shown = await browser.open(f"/campaigns/{campaign}/edit")
    assert (shown.status, shown.all("h1 bdi"), shown.value("name")) == (200, [name], name)
    assert shown.body.cssselect("main script, main img") == []
    assert shown.all(".bubble") == [name]


async def test_a_text_of_10_000_characters_is_kept(browser: Browser, api: Caller) -> None:
    long = "x" * 10_000
    campaign = await saved(api, await browser.send("/campaigns/new", **{**TYPED, "message.body": long}))
    assert campaign["message"]["body"] == long
    shown = await browser.send("/campaigns/new", **{**TYPED, "name": long})
    assert (shown.status, shown.value("name")) == (422, long)


async def test_names_of_fields_that_are_not_ours_change_nothing(browser: Browser, api: Caller) -> None:
    odd = {"message[0]": "x", "message.body.x": "x", "triggers.0": "x", "__class__": "x", "utm": "x", "triggers[9999].key": ""}
    shown = await browser.send("/campaigns/new", **odd, **TYPED, do="preview")
    assert shown.status == 200


async def test_a_link_without_a_name_is_told_at_the_field_of_its_name(browser: Browser, api: Caller) -> None:
    typed = {**TYPED, "message.links[0].name": "", "message.links[0].url": "https://www.example.com/offer"}
    shown = await browser.send("/campaigns/new", **typed)
    assert shown.status == 422
    (field,) = shown.body.cssselect('[name="message.links[0].name"]')
    (fault,) = shown.body.cssselect(f'[id="{field.get("aria-describedby")}"]')
    assert (field.get("aria-invalid"), "Give this link a name" in fault.text_content()) == ("true", True)
    assert shown.value("message.links[0].url") == "https://www.example.com/offer"
    assert (await api.get("/campaigns")).json()["items"] == []


async def test_every_text_without_a_way_to_unsubscribe_is_told_at_once_and_in_words(browser: Browser) -> None:
    typed = {"name": "Spring", "channel": "simulator-email", "message.subject": "Hello", "message.body": "Hello"}
    typed |= {"link_tracking": "on", "triggers[0].key": "hot", "triggers[0].when": "clicked", "triggers[0].times": "1"}
    action = "triggers[0].actions[0]"
    typed |= {f"{action}.kind": "send", f"{action}.channel": "simulator-email", f"{action}.message.kind": "marketing"}
    typed |= {f"{action}.message.subject": "More", f"{action}.message.body": "More"}
    shown = await browser.send("/campaigns/new", **typed, do="save")
    assert shown.status == 422
    invalid = {each.get("name") for each in shown.body.cssselect("[aria-invalid=true]")}
    assert invalid >= {"message.body", f"{action}.message.body"}
    preview = " ".join(shown.all("[data-preview-into] .consequence"))
    assert preview.startswith("Text: A marketing e-mail must offer a way to unsubscribe")
    assert "choose the kind Transactional" in preview
    assert "set kind to" not in shown.text
    assert "triggers[0]" not in shown.text


@pytest.mark.parametrize("typed", ["three", "P1X"])
async def test_a_length_of_time_that_is_none_is_told_of_a_number_and_a_unit(browser: Browser, typed: str) -> None:
    lengths = {"message.valid_for.number": typed, "message.valid_for.unit": "D"}
    shown = await browser.send("/campaigns/new", **{**TYPED, **lengths})
    assert shown.status == 422
    assert any("Write a number, such as 3, and choose its unit" in each for each in shown.all(".consequence.bad"))
    assert "ISO 8601" not in shown.text
