"""A page with live numbers in a real browser: what happens is seen without a reload, and nothing that somebody does is lost."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from playwright.async_api import Page, expect

from settings import Settings
from stack.children.processes import tethered
from stack.servers.ports import free_ports
from stack.session import nothing_set_but
from tests.console.browser.conftest import Team
from tests.console.browser.sent import send_campaign

ROOT = Path(__file__).parents[3]
CLICKS, LIVE = "[data-live=clicks]", "[data-connection]"
LONG = 90_000
"""Milliseconds for which a process may take to start on a busy machine."""
EVIL = "Kari <script>alert(1)</script>\u202e" + "x" * 150

HIDE = """(hidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def test_a_click_is_seen_on_an_open_page_whatever_its_person_is_called(team: Team) -> None:
    sent = await send_campaign(team, EVIL)
    await team.open("/")
    await expect(team.page.locator(LIVE)).to_have_text("Live")
    await team.page.evaluate("window.notReloaded = true")
    await expect(team.page.locator(CLICKS)).to_have_text("0")
    for count in ("1", "2"):
        await sent.click()
        await expect(team.page.locator(CLICKS)).to_have_text(count)
    await expect(team.page.locator(".feed li")).to_have_count(2)
    assert await team.page.evaluate("window.notReloaded")
    await team.assert_accessible()


async def test_a_feed_that_is_being_read_holds_new_rows_behind_a_button(team: Team) -> None:
    sent = await send_campaign(team, "Kari", "Jonas")
    await sent.click()
    await team.open("/")
    feed = team.page.locator(".feed")
    await expect(feed.locator("li")).to_contain_text(["Kari"])
    await feed.hover()
    place = await feed.bounding_box()
    await sent.click(1)
    await expect(team.page.get_by_role("button", name="1 new click")).to_be_visible()
    await expect(feed.locator("li")).to_have_count(1)
    assert await feed.bounding_box() == place
    await team.page.get_by_role("button", name="1 new click").click()
    await expect(feed.locator("li")).to_contain_text(["Jonas", "Kari"])
    await expect(team.page.locator(".held")).to_have_count(0)


async def test_a_tab_that_is_hidden_reads_nothing_and_catches_up(team: Team) -> None:
    sent = await send_campaign(team, "Kari")
    await team.open("/")
    await expect(team.page.locator(LIVE)).to_have_text("Live")
    await team.page.evaluate(HIDE, True)
    await expect(team.page.locator(LIVE)).to_have_text("Paused")
    read = list[str]()
    team.page.on("request", lambda request: read.append(request.url))
    second = await team.new_page()
    await second.goto(f"{team.address}/console")
    await expect(second.locator(LIVE)).to_have_text("Live")
    await sent.click()
    await expect(second.locator(CLICKS)).to_have_text("1")
    await expect(team.page.locator(CLICKS)).to_have_text("0")
    assert read == []
    await team.page.evaluate(HIDE, False)
    await expect(team.page.locator(CLICKS)).to_have_text("1")
    await expect(team.page.locator(LIVE)).to_have_text("Live")


@pytest.fixture
async def second_api(stack: Settings, tmp_path: Path) -> AsyncIterator[str]:
    """The address of another API process behind the same database."""
    (port,) = free_ports(1)
    ports = {name: str(getattr(stack, name.lower())) for name in ("REDIRECT_PORT", "TEMPORAL_PORT", "TEMPORAL_UI_PORT")}
    variables = nothing_set_but(VAR_DIR=str(stack.var_dir), API_PORT=str(port), ALLOW_LOCAL_ADDRESSES="true", **ports)
    process = start_api(variables, tmp_path / "api.log")
    address = f"http://127.0.0.1:{port}"
    try:
        transport = httpx.AsyncHTTPTransport(retries=20)
        async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
            await client.get(f"{address}/health/live")
        yield address
    finally:
        process.terminate()
        process.wait(30)


def start_api(variables: dict[str, str], log_file: Path) -> subprocess.Popen[bytes]:
    with log_file.open("w") as log:
        role = tethered([sys.executable, "cli.py", "api"])
        return subprocess.Popen(role, env={**os.environ, **variables}, cwd=ROOT, stderr=log)  # noqa: S603 - our own command


async def test_any_process_shows_the_same_session_and_the_same_numbers(team: Team, second_api: str) -> None:
    sent = await send_campaign(team, "Kari")
    await team.open("/")
    there = await team.new_page()
    await there.goto(f"{second_api}/console")  # signed in at the first one
    for page in (team.page, there):
        await expect(page.locator(LIVE)).to_have_text("Live")
    await sent.click()
    for page in (team.page, there):
        await expect(page.locator(CLICKS)).to_have_text("1")
    await team.page.get_by_role("button", name="Sign out").first.click()
    await expect(there.locator(LIVE)).to_have_text("Signed out: sign in")


def kill_api(port: int) -> None:
    """The process that answers dies as if the machine had ended it; the supervisor starts another one."""
    (pid,) = {
        each.pid for each in psutil.net_connections("tcp") if each.laddr.port == port and each.status == "LISTEN" and each.pid
    }
    psutil.Process(pid).kill()


async def test_an_open_page_goes_on_after_the_server_has_restarted(team: Team, stack: Settings) -> None:
    sent = await send_campaign(team, "Kari")
    await team.open("/")
    await expect(team.page.locator(LIVE)).to_have_text("Live")
    await team.page.evaluate("window.notReloaded = true")
    kill_api(stack.api_port)
    await expect(team.page.locator(LIVE)).to_contain_text("Not live since")
    await sent.click()  # the redirect is another process
    await expect(team.page.locator(LIVE)).to_have_text("Live", timeout=LONG)
    await expect(team.page.locator(CLICKS)).to_have_text("1")
    assert await team.page.evaluate("window.notReloaded")


SWAP = """async (html) => {
  const address = document.querySelector("script[type=module]").src.replace("console.js", "swap.js");
  (await import(address)).swap(new DOMParser().parseFromString(html, "text/html"));
}"""
PART = """
<section data-live="typed"><form><input id="typed" value="a"></form><b class="n">1</b></section>
<section data-live="read"><details id="open"><summary>More</summary><p>{n}</p></details><a id="link" href="#x">Link</a>
<table><tr><th><a href="#1">one</a></th><td class="n">{n}</td></tr>{row}</table></section>
"""


async def test_what_somebody_does_is_kept_when_numbers_change(team: Team) -> None:
    await team.open("/search")
    page = team.page
    await page.evaluate(
        "(html) => document.querySelector('main').insertAdjacentHTML('beforeend', html)", PART.format(n=1, row="")
    )
    await page.locator("#typed").fill("somebody types")
    await page.locator("summary", has_text="More").click()
    await page.locator("#link").focus()
    row = '<tr><th><a href="#0">new</a></th><td class="n">9</td></tr>'
    changed = PART.format(n=2, row=row).replace('value="a"', 'value="b"').replace(">1</b>", ">5</b>")
    await page.evaluate(SWAP, changed)
    await expect(page.locator("#typed")).to_have_value("somebody types")
    await expect(page.locator("b.n")).to_have_text("1")
    await expect(page.locator("#open")).to_have_attribute("open", "")
    await expect(page.locator("#open p")).to_have_text("2")
    await expect(page.locator("td.n")).to_have_text(["2", "9"])
    await expect(page.locator("#link")).to_be_focused()
    await page.locator("#typed").evaluate("(input) => { input.value = input.defaultValue; }")
    await page.evaluate(SWAP, changed)
    await expect(page.locator("b.n")).to_have_text("5")


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_from_the_sign_in_to_a_report_by_the_keyboard_alone(team: Team) -> None:
    sent = await send_campaign(team, "Kari")
    await team.page.get_by_role("button", name="Sign out").first.focus()
    await press(team.page, "Enter")
    await expect(team.page.get_by_label("API key")).to_be_focused()
    await team.page.keyboard.type(team.key)
    await press(team.page, "Enter")
    await expect(team.page.get_by_role("heading", level=1)).to_have_text("Overview")
    await press(team.page, "g", "c")
    await expect(team.page.get_by_role("heading", level=1)).to_have_text("Campaigns")
    await press(team.page, "j")
    await expect(team.page.get_by_role("link", name="Spring", exact=True).first).to_be_focused()
    await press(team.page, "Enter")
    await team.page.wait_for_url(f"**/campaigns/{sent.campaign_id}")


async def test_the_palette_finds_and_opens_by_the_keyboard(team: Team) -> None:
    sent = await send_campaign(team, "Kari")
    await team.open("/health")
    await press(team.page, "?")
    await expect(team.page.get_by_role("dialog", name="Keys")).to_be_visible()
    await team.assert_accessible()
    await press(team.page, "Escape", "/")
    palette: Any = team.page.get_by_role("dialog", name="Find anything")
    await expect(palette.get_by_role("option")).not_to_have_count(0)
    await team.assert_accessible()
    await team.page.keyboard.type("spri")
    await expect(palette.get_by_role("option")).to_have_count(1)
    await expect(palette.get_by_role("option")).to_contain_text("Spring")
    await press(team.page, "Enter")
    await team.page.wait_for_url(f"**/campaigns/{sent.campaign_id}")
    await press(team.page, "Control+k")
    await expect(palette).to_be_visible()
    await press(team.page, "g", "h")  # letters in a field are letters
    await expect(palette.get_by_role("combobox")).to_have_value("gh")
    await press(team.page, "Escape")
    await expect(palette).not_to_be_visible()
