"""Signing in: who gets a session, what ends it, and what cannot be tried endlessly."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from sqlalchemy import text

from models.database import Database
from models.organizations.console_session import FAILURES, make_sign_in_link
from models.organizations.organization import Organization
from settings import Settings
from tests.builders import Caller
from tests.console.conftest import Browser, with_role

Org = tuple[Organization, str]
WRONG = "lw_" + "0" * 60


@pytest.fixture(autouse=True)
async def _nobody_has_failed_before(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("DELETE FROM sign_in_failure"))


async def test_nobody_sees_a_page_without_a_session(visitor: Browser) -> None:
    shown = await visitor.open("/")
    assert (shown.status, shown.location) == (303, "/console/sign-in")
    shown = await visitor.open("/campaigns", state="draft")
    assert shown.location == "/console/sign-in?next=/console/campaigns%3Fstate%3Ddraft"


async def test_a_key_is_exchanged_for_a_session_that_scripts_cannot_read(visitor: Browser, organization: Org) -> None:
    shown = await visitor.sign_in(organization[1])
    assert (shown.status, shown.location) == (303, "/console")
    cookie = shown.answer.headers["set-cookie"]
    assert all(each in cookie for each in ("HttpOnly", "SameSite=lax", "Path=/console"))
    assert not any(each in cookie for each in ("Secure", organization[1]))
    assert "Overview" in (await visitor.open("/")).all("h1")


async def test_behind_tls_the_cookie_is_sent_only_over_tls(visitor: Browser, organization: Org) -> None:
    answer = await visitor.client.post("/console/sign-in", data={"key": organization[1]}, headers={"X-Forwarded-Proto": "https"})
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize("key", ["", "lw_", WRONG, "x" * 9_000, "lw_\N{SNOWMAN}", "\x00"])
async def test_what_is_no_key_gets_no_session_and_a_sentence(visitor: Browser, key: str) -> None:
    shown = await visitor.sign_in(key)
    assert shown.status == 401
    assert shown.all(".fault") != [""]
    assert "set-cookie" not in shown.answer.headers


async def test_after_many_failures_even_a_good_key_has_to_wait(visitor: Browser, organization: Org) -> None:
    for _ in range(FAILURES):
        assert (await visitor.sign_in(WRONG)).status == 401
    shown = await visitor.sign_in(organization[1])
    assert (shown.status, shown.answer.headers["retry-after"]) == (429, "600")


async def test_somebody_elsewhere_behind_the_same_two_proxies_has_failed_nothing(
    visitor: Browser, organization: Org, settings: Settings
) -> None:
    settings.trusted_proxies = (*settings.trusted_proxies, ip_network("10.0.0.0/8"))

    async def sign_in(key: str, client: str) -> int:
        headers = {"X-Forwarded-For": f"6.6.6.6, {client}, 10.0.0.2"}
        return (await visitor.client.post("/console/sign-in", data={"key": key}, headers=headers)).status_code

    for _ in range(FAILURES):
        assert await sign_in(WRONG, "203.0.113.9") == 401
    assert await sign_in(organization[1], "203.0.113.9") == 429
    assert await sign_in(organization[1], "81.2.69.160:4711") == 303


@pytest.mark.parametrize("hop", ["", "nonsense", "fe80::1%eth0", "a" * 9_000, "1.2.3.4/99"])
async def test_an_address_that_cannot_be_read_is_no_error(visitor: Browser, hop: str) -> None:
    headers = [("X-Forwarded-For", "81.2.69.160"), ("X-Forwarded-For", hop)]
    assert (await visitor.client.post("/console/sign-in", data={"key": WRONG}, headers=headers)).status_code == 401


async def test_signing_out_ends_the_session_on_the_server(browser: Browser) -> None:
    kept = dict(browser.client.cookies)
    token = await browser.token()
    assert (await browser.send("/sign-out", form_token=token)).location == "/console/sign-in"
    browser.client.cookies.update(kept)
    assert (await browser.open("/")).location == "/console/sign-in"


async def test_a_sign_out_that_another_site_sends_does_nothing(browser: Browser) -> None:
    await browser.send("/sign-out", form_token="wrong")
    assert (await browser.open("/")).status == 200


async def test_a_key_that_is_revoked_ends_its_sessions(visitor: Browser, api: Caller) -> None:
    await with_role(visitor, api, "viewer")
    assert (await visitor.open("/")).status == 200
    keys = (await api.get("/api-keys")).json()["items"]
    await api.delete(f"/api-keys/{keys[-1]['id']}")
    assert (await visitor.open("/")).location == "/console/sign-in"


async def test_a_session_that_was_idle_for_twelve_hours_is_over(browser: Browser, database: Database, organization: Org) -> None:
    async def used(ago: timedelta) -> None:
        async with database.transaction() as session:
            await session.execute(
                text("UPDATE console_session SET used_at = now() - :ago WHERE org_id = :org_id"),
                {"ago": ago, "org_id": organization[0].id},
            )

    await used(timedelta(hours=11, minutes=59))
    assert (await browser.open("/")).status == 200  # and from now on there are twelve hours again
    await used(timedelta(hours=12, minutes=1))
    assert (await browser.open("/")).status == 303


async def test_a_link_signs_in_once(visitor: Browser, database: Database, organization: Org) -> None:
    async with database.transaction() as session:
        code = await make_sign_in_link(session, organization[0].id)
    assert (await visitor.open(f"/sign-in/{code}")).location == "/console"
    assert (await visitor.open("/")).status == 200
    visitor.client.cookies.clear()
    again = await visitor.open(f"/sign-in/{code}")
    assert (again.status, "has been used" in again.text) == (401, True)


async def link(database: Database, organization: Org) -> str:
    async with database.transaction() as session:
        return f"/sign-in/{await make_sign_in_link(session, organization[0].id)}"


@pytest.mark.parametrize("by_link", [False, True])
async def test_signing_in_again_ends_the_session_before_it(
    browser: Browser, database: Database, organization: Org, by_link: bool
) -> None:
    before = dict(browser.client.cookies)
    shown = await browser.open(await link(database, organization)) if by_link else await browser.sign_in(organization[1])
    assert shown.status == 303
    after = dict(browser.client.cookies)
    assert after != before
    browser.client.cookies.update(before)
    assert (await browser.open("/")).location == "/console/sign-in"
    browser.client.cookies.update(after)
    assert (await browser.open("/")).status == 200


async def test_a_sign_in_that_fails_ends_nothing(browser: Browser, organization: Org) -> None:
    assert (await browser.sign_in(WRONG)).status == 401
    assert (await browser.open("/sign-in/nonsense")).status == 401
    assert (await browser.open("/")).status == 200


async def test_signing_in_elsewhere_ends_nothing_here(browser: Browser, organization: Org) -> None:
    here = dict(browser.client.cookies)
    browser.client.cookies.clear()
    await browser.sign_in(organization[1])
    browser.client.cookies.update(here)
    assert (await browser.open("/")).status == 200


async def test_a_link_is_of_no_use_after_half_an_hour(visitor: Browser, database: Database, organization: Org) -> None:
    async with database.transaction() as session:
        code = await make_sign_in_link(session, organization[0].id)
        await session.flush()
        await session.execute(text("UPDATE sign_in_link SET expires_at = now() - interval '1 second'"))
    assert (await visitor.open(f"/sign-in/{code}")).status == 401


async def test_links_that_do_not_work_lock_nobody_out(visitor: Browser, organization: Org) -> None:
    """A picture on another site can ask for them."""
    for _ in range(FAILURES + 1):
        assert (await visitor.open("/sign-in/aaaa")).status == 401
    assert (await visitor.sign_in(organization[1])).location == "/console"


@pytest.mark.parametrize(
    "wanted", ["https://evil.test", "//evil.test", "/console/../x", "/console/x\\", "/console/sign-out", "javascript:1", ""]
)
async def test_the_sign_in_leads_nowhere_else(visitor: Browser, organization: Org, wanted: str) -> None:
    answer = await visitor.client.post("/console/sign-in", data={"key": organization[1], "next": wanted})
    assert answer.headers["location"] == "/console"


async def test_after_the_sign_in_the_wanted_page_is_shown(visitor: Browser, organization: Org) -> None:
    shown = await visitor.open("/campaigns", state="draft")
    form = await visitor.open(shown.location)
    answer = await visitor.client.post("/console/sign-in", data={"key": organization[1], "next": form.value("next")})
    assert answer.headers["location"] == "/console/campaigns?state=draft"


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}])
async def test_no_other_site_signs_anybody_in(visitor: Browser, organization: Org, headers: dict[str, str]) -> None:
    answer = await visitor.client.post("/console/sign-in", data={"key": organization[1]}, headers=headers)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_the_theme_is_kept_in_a_cookie_and_leads_back(browser: Browser) -> None:
    answer = await browser.client.post("/console/theme", data={"theme": "dark", "next": "/console?period=7d"})
    assert answer.headers["location"] == "/console?period=7d"
    assert (await browser.open("/")).body.get("data-theme") == "dark"
