"""What every page has in common: who may see it, whose form it takes, and what a refusal looks like."""

import re
from uuid import uuid4

import pytest

from console.pages import Declared
from console.registry import AREAS
from console.security import POLICY
from models.organizations.api_key import Role
from tests.builders import Caller
from tests.console.conftest import Browser, with_role

DECLARED = [each for area in AREAS for each in area.declared]
WRITES = [each for each in DECLARED if each.method == "POST"]
PAGES = [each for each in DECLARED if each.method == "GET" and each.path != "/live"]


def address(path: str) -> str:
    """With ids of nothing."""
    return re.sub(r"{\w+}", lambda _: str(uuid4()), path)


async def test_every_answer_has_the_whole_policy(browser: Browser) -> None:
    for path in ("/", "/nothing", "/sign-in", "/campaigns"):
        headers = (await browser.open(path)).answer.headers
        assert headers["content-security-policy"] == POLICY
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


async def test_an_address_of_nothing_is_a_page_that_says_so(browser: Browser) -> None:
    shown = await browser.open("/nothing/here")
    assert (shown.status, shown.all("h1")) == (404, ["There is nothing at this address"])


@pytest.mark.parametrize("declared", PAGES, ids=lambda each: each.path)
async def test_a_page_about_nothing_is_404_and_never_an_error_of_ours(browser: Browser, declared: Declared) -> None:
    path = declared.path
    shown = await browser.open(address(path))
    assert shown.status in ((404, 422) if "{" in path else (200, 303)), shown.text


ABOUT_ONE = [each for each in PAGES if "{" in each.path]


@pytest.mark.parametrize("declared", ABOUT_ONE, ids=lambda each: each.path)
async def test_a_page_of_what_is_no_id_is_404(browser: Browser, declared: Declared) -> None:
    shown = await browser.open(re.sub(r"{\w+}", "nonsense", declared.path))
    assert (shown.status, shown.all("h1")) == (404, ["There is nothing at this address"]), shown.text


@pytest.mark.parametrize("declared", WRITES, ids=lambda each: each.path)
async def test_a_form_without_its_token_does_nothing(browser: Browser, declared: Declared) -> None:
    shown = await browser.send(address(declared.path), form_token="wrong")
    assert (shown.status, shown.all("h1")) == (403, ["This form is from another session"])


@pytest.mark.parametrize("declared", WRITES, ids=lambda each: each.path)
async def test_a_field_that_is_sent_twice_is_refused(browser: Browser, declared: Declared) -> None:
    shown = await browser.send(address(declared.path), name=["Spring", "Summer"])
    assert (shown.status, shown.all("h1")) == (422, ["This form cannot be read"])
    assert "name: This is given more than once" in shown.text


async def test_more_people_than_can_be_tagged_at_once_are_refused_and_not_left_out(browser: Browser) -> None:
    shown = await browser.send("/contacts/tag", contact=[str(uuid4()) for _ in range(101)], tag="warm")
    assert (shown.status, "Nobody was tagged" in shown.text) == (422, True)


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.test"}]
)
async def test_a_form_of_another_site_does_nothing(browser: Browser, headers: dict[str, str]) -> None:
    token = await browser.token()
    answer = await browser.client.post("/console/campaigns/new", data={"form_token": token, "name": "x"}, headers=headers)
    assert answer.status_code == 403
    assert "another site" in answer.text


@pytest.mark.parametrize("role", [role for role in Role if role != Role.OWNER])
async def test_nothing_is_done_for_a_key_without_the_role(visitor: Browser, api: Caller, role: Role) -> None:
    await with_role(visitor, api, role)
    token = await visitor.token()
    for declared in WRITES:
        if not role.may(declared.role):
            shown = await visitor.send(address(declared.path), form_token=token)
            assert (shown.status, shown.all("h1")) == (403, ["Your key may not do this"]), declared.path


async def test_a_form_that_is_too_large_or_of_unknown_size_is_refused(browser: Browser) -> None:
    token = await browser.token()
    body = f"form_token={token}&name={'x' * 1_100_000}".encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.client.post("/console/campaigns/new", content=body, headers=kind)
    assert (answer.status_code, "1 MB" in answer.text) == (413, True)

    async def unknown() -> object:
        yield body

    answer = await browser.client.post("/console/campaigns/new", content=unknown(), headers=kind)  # type: ignore[arg-type]
    assert answer.status_code == 413


async def test_what_is_no_form_is_refused(browser: Browser) -> None:
    for kind, body in (("application/json", b"{}"), ("multipart/form-data; boundary=x", b"--y"), ("multipart/form-data", b"x")):
        answer = await browser.client.post("/console/campaigns/new", content=body, headers={"Content-Type": kind})
        assert answer.status_code in (400, 403), kind


async def test_a_form_of_a_session_that_is_over_says_so(visitor: Browser) -> None:
    shown = await visitor.send("/campaigns/new", form_token="x")
    assert shown.location == "/console/sign-in?over=1"
    assert "nothing was changed" in (await visitor.open(shown.location)).text


async def test_a_notice_is_said_once_and_is_no_markup(browser: Browser) -> None:
    browser.client.cookies.set("linkwake_notice", "%3Cscript%3Ealert(1)%3C/script%3E", path="/console")
    shown = await browser.open("/")
    assert shown.all(".toast") == ["<script>alert(1)</script>"]
    assert "linkwake_notice" in shown.answer.headers["set-cookie"]


async def test_styles_and_scripts_are_kept_for_ever_under_an_address_with_their_version(browser: Browser) -> None:
    (style, *_) = [each for each in (await browser.open("/")).body.xpath("//link/@href") if "console.css" in each]
    answer = await browser.client.get(style)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"].startswith("text/css")
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    plain = await browser.client.get(style, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text
    old = await browser.client.get(re.sub(r"static/\w+", "static/0", style))
    assert (old.status_code, old.headers["cache-control"]) == (200, "no-store")
    assert (await browser.client.get("/console/static/0/nothing.js")).status_code == 404
    assert (await browser.client.get("/console/static/0/..%2Fapp.py")).status_code == 404
