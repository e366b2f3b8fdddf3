"""API keys, sessions, the audit log, link domains and notification targets: for owners, and nothing secret is shown twice."""

from uuid import uuid4

import pytest
from sqlalchemy import text

from models.database import Database
from tests.builders import Caller
from tests.console.conftest import Browser, with_role

OWNERS = ("/settings/api-keys", "/settings/sessions", "/settings/audit-log")
ALL = (*OWNERS, "/settings/link-domains", "/settings/notification-targets", "/settings/channels", "/settings")


async def test_every_page_opens(browser: Browser) -> None:
    for path in ALL:
        shown = await browser.open(path)
        assert (shown.status, len(shown.all("h1"))) == (200, 1), path
        assert len(shown.all('.settings nav [aria-current="page"]')) == 1


async def test_a_viewer_sees_no_keys_sessions_or_log(visitor: Browser, api: Caller) -> None:
    browser = await with_role(visitor, api, "viewer")
    for path in OWNERS:
        assert (await browser.open(path)).status == 403
    for path in ("/settings/link-domains", "/settings/notification-targets", "/settings/channels"):
        shown = await browser.open(path)
        assert shown.status == 200
        assert shown.body.cssselect("main form[method=post], dialog form") == []
    for path, fields in {
        "/settings/api-keys": {"name": "x", "role": "owner"},
        "/settings/link-domains": {"host": "go.example.com"},
        "/settings/notification-targets/new": {"name": "x", "address": "json://x"},
        "/settings/channels/new": {"kind": "simulator", "name": "x"},
    }.items():
        assert (await browser.send(path, **fields)).status == 403


async def test_a_new_keys_text_is_shown_once(browser: Browser, api: Caller) -> None:
    form = await browser.open("/settings/api-keys")
    fields = {"name": "Shop <b>", "role": "sender", "once": form.body.cssselect("main [name=once]")[0].get("value")}
    made = await browser.send("/settings/api-keys", **fields)
    text = made.body.cssselect("#text")[0].get("value")
    assert text.startswith("lw_")
    assert (await api.with_key(text).get("/organization")).status_code == 200
    again = await browser.send("/settings/api-keys", **fields)
    assert (again.body.cssselect("#text"), "cannot be shown again" in again.text) == ([], True)
    assert text not in (await browser.open("/settings/api-keys")).answer.text
    assert len((await api.get("/api-keys")).json()["items"]) == 2


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("role", "king"), ("expires_at", "2020-01-01"), ("expires_at", "x")])
async def test_a_wrong_key_says_what_is_wrong(browser: Browser, field: str, value: str) -> None:
    shown = await browser.send("/settings/api-keys", **{"name": "Shop", "role": "viewer", field: value})
    assert shown.status == 422
    assert [each.get("id") for each in shown.body.cssselect(".fault")] == [f"{field}-fault"]


async def test_a_key_is_revoked_and_one_cannot_revoke_the_last_owner(browser: Browser, api: Caller) -> None:
    other = (await api.post("/api-keys", json={"name": "Till", "role": "sender"})).json()
    assert (await browser.send(f"/settings/api-keys/{other['id']}/revoke")).status == 303
    assert (await api.with_key(other["key"]).get("/organization")).status_code == 401
    own = (await api.get("/api-keys")).json()["items"][0]["id"]
    refused = await browser.send(f"/settings/api-keys/{own}/revoke")
    assert (refused.status, "last" in refused.text) == (409, True)
    assert (await browser.send(f"/settings/api-keys/{uuid4().hex[:12]}/revoke")).status == 404


async def test_an_expired_key_says_so_and_a_live_one_says_until_when(browser: Browser, api: Caller, database: Database) -> None:
    for name, expires_at in {"Till": "2099-02-03T04:05:00Z", "Shop": "2099-01-01T00:00:00Z"}.items():
        assert (await api.post("/api-keys", json={"name": name, "role": "viewer", "expires_at": expires_at})).status_code == 201
    async with database.transaction() as session:
        await session.execute(text("UPDATE api_key SET expires_at = '2020-01-31 09:10Z' WHERE name = 'Shop'"))
    rows = (await browser.open("/settings/api-keys")).body.cssselect(".stack tbody tr")
    said = {row.cssselect("th")[0].text_content(): row for row in rows}
    assert said["Shop"].cssselect("td .badge")[0].text_content() == "Expired Fri 31 Jan 2020, 09:10"
    assert said["Till"].cssselect(".badge") == []
    until = {name: row.cssselect("td[data-label=expires]")[0] for name, row in said.items()}
    assert (until["Till"].text_content(), until["Till"].get("class")) == ("Tue 3 Feb 2099, 04:05", "n quiet")
    assert until.pop("Shop").text_content() == "–"
    assert [each.text_content() for name, each in until.items() if name != "Till"] == ["never"]


async def test_a_session_is_ended_by_an_owner(browser: Browser, api: Caller) -> None:
    own = await browser.open("/settings/sessions")
    assert own.all("tbody .quiet")[-1] == "this one"
    kept = dict(browser.client.cookies)
    browser.client.cookies.clear()
    made = (await api.post("/api-keys", json={"name": "Guest", "role": "viewer"})).json()
    await browser.sign_in(made["key"])
    guest = dict(browser.client.cookies)
    browser.client.cookies.update(kept)
    shown = await browser.open("/settings/sessions")
    (address,) = [each.get("action") for each in shown.body.cssselect("main form[method=post]")]
    assert (await browser.send(address)).status == 303
    assert (await browser.send(address)).status == 404
    browser.client.cookies.update(guest)
    assert (await browser.open("/")).status == 303
    (row,) = (await api.get("/audit-log", params={"action": "console_sessions.end"})).json()["items"]
    assert (row["key_id"], row["target_kind"], row["target_id"]) == (api.key[3:15], "console_session", address.split("/")[-2])
    assert row["request_id"]


async def test_another_organizations_session_is_not_found(browser: Browser) -> None:
    for session_id in (str(uuid4()), "x"):
        assert (await browser.send(f"/settings/sessions/{session_id}/end")).status == 404


async def test_the_log_is_filtered_and_names_keys(browser: Browser, api: Caller) -> None:
    contact = (await api.post("/contacts", json={"email": "a@example.com"})).json()
    await browser.send("/settings/tracking", link_tracking="on")
    shown = await browser.open("/settings/audit-log")
    assert shown.all("tbody th b") == ["changed the settings of the organization", "added a person", "created the organization"]
    assert shown.all("tbody th .sub") == ["organization.change", "contacts.create", "organizations.create"]
    assert all(each.count(":") == 2 for each in shown.all("tbody time"))
    assert f"/console/contacts/{contact['id']}" in shown.links("tbody a")
    one = await browser.open("/settings/audit-log", action="contacts.create")
    assert one.all("tbody th .sub") == ["contacts.create"]
    none = await browser.open("/settings/audit-log", until="2020-01-01")
    assert "Nothing of this kind" in none.text
    wrong = await browser.open("/settings/audit-log", action="nothing.done")
    assert (wrong.status, "no such action" in wrong.text) == (422, True)


async def test_a_domain_is_claimed_and_says_what_to_publish(browser: Browser, api: Caller) -> None:
    form = await browser.open("/settings/link-domains")
    assert "No link domain of your own" in form.text
    assert (await browser.send("/settings/link-domains", host="go.example.com")).status == 303
    shown = await browser.open("/settings/link-domains")
    (domain,) = (await api.get("/organization/link-domains")).json()["items"]
    values = [each.get("value") for each in shown.body.cssselect("dd input")]
    assert values == [domain["dns_record"]["name"], domain["dns_record"]["value"]]
    wrong = await browser.send("/settings/link-domains", host="not a host")
    assert (wrong.status, wrong.value("host")) == (422, "not a host")
    assert (await browser.send("/settings/link-domains/go.example.com/release")).status == 303
    assert (await api.get("/organization/link-domains")).json()["items"] == []
    assert (await browser.send("/settings/link-domains/go.example.com/verify")).status == 404


async def test_a_target_is_made_changed_and_deleted_and_its_address_never_shown(browser: Browser, api: Caller) -> None:
    made = await browser.send("/settings/notification-targets/new", name="Sales", address="jsons://93.184.216.34/secret-path")
    assert made.status == 303, made.text
    shown = await browser.open(made.location)
    assert "secret-path" not in shown.answer.text
    assert (await browser.send(made.location, name="Sales 2", address="", text="{{ who }}")).status == 303
    (target,) = (await api.get("/notification-targets")).json()["items"]
    assert (target["name"], target["text"]) == ("Sales 2", "{{ who }}")
    wrong = await browser.send(made.location, name="", address="nonsense://x", text="{{")
    assert wrong.status == 422
    assert wrong.value("address") == "nonsense://x"
    assert (await browser.send(f"{made.location}/delete")).status == 303
    assert (await browser.open(made.location)).status == 404


async def test_the_log_names_what_was_changed(browser: Browser, api: Caller) -> None:
    definition = {"kind": "tags", "has": "all", "tags": ["vip"]}
    assert (await api.post("/segments", json={"name": "Regulars", "definition": definition})).status_code == 201
    assert "Regulars" in (await browser.open("/settings/audit-log")).all("tbody td a")


async def test_a_viewer_is_told_on_every_page_that_nothing_can_be_changed(visitor: Browser, api: Caller) -> None:
    browser = await with_role(visitor, api, "viewer")
    for path in ("/", "/campaigns", "/settings"):
        shown = await browser.open(path)
        for place in (".side", ".drawer"):
            said = shown.all(f"{place} .read-only")
            assert said == ["Read only: your key has the role viewer. To change something, ask an owner."], path


async def test_who_may_change_something_is_not_told_so(browser: Browser) -> None:
    assert (await browser.open("/")).all(".read-only") == []
