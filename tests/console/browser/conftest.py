"""The console in a real Chromium, on a stack of its own: pages that break the policy or log an error fail their test."""

import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, async_playwright, expect

from bench.parts.chromium import HOW, WINDOWLESS, chromium
from models.database import Database
from models.organizations.organization import create_organization
from settings import Settings
from stack.session import own_stack

PATIENCE = 20_000
"""Milliseconds for which a page may take to show something, on a busy machine."""
expect.set_options(timeout=PATIENCE)
TOO_WIDE = """
() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.body.querySelectorAll("*")]
  .filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .map((each) => `${each.tagName}.${each.className} ${each.textContent.trim().slice(0, 60)}`).slice(0, 8).concat("the page")
"""
DESKTOP, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Ends with the last test in a browser, because a stack that nobody uses takes processor time from the tests that follow."""
    if chromium(WINDOWLESS) is None:
        pytest.skip(HOW)
    with own_stack(tmp_path_factory.mktemp("console") / "var", ALLOW_LOCAL_ADDRESSES="true", LOG_LEVEL="warning") as settings:
        yield settings


@pytest.fixture(scope="package")
async def chrome(stack: Settings) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        # The tests run as root in containers, where Chromium's own sandbox cannot be had.
        browser = await playwright.chromium.launch(executable_path=chromium(WINDOWLESS), args=["--no-sandbox"])
        yield browser
        await browser.close()


@dataclass
class Team:
    """An organization of a test, as its programs (`post`, `get`) and as a person in front of the console (`page`)."""

    address: str
    key: str
    client: httpx.AsyncClient
    page: Page
    context: BrowserContext
    wrong: list[str] = field(default_factory=list)
    look: str = "desk"

    async def post(self, path: str, body: Any = None) -> Any:
        answer = await self.client.post(f"/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def patch(self, path: str, body: Any) -> Any:
        answer = await self.client.patch(f"/v1{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def get(self, path: str, **query: Any) -> Any:
        answer = await self.client.get(f"/v1{path}", params=query)
        assert answer.is_success, answer.text
        return answer.json()

    async def open(self, path: str) -> Response | None:
        """Opens a page of the console."""
        return await self.page.goto(f"{self.address}/console{path}")

    async def sign_in(self) -> None:
        await self.open("/sign-in")
        await self.page.get_by_label("API key").fill(self.key)
        await self.page.get_by_role("button", name="Sign in").click()
        await self.page.wait_for_url("**/console")

    async def new_page(self) -> Page:
        """Another tab of the same person."""
        page = await self.context.new_page()
        self.watch(page)
        return page

    def watch(self, page: Page) -> None:
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("console", lambda message: self._heard(message))

    def _heard(self, message: ConsoleMessage) -> None:
        # Chromium says so of every answer with an error status; pages show those on purpose.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            self.wrong.append(message.text)

    async def at_a_desk(self) -> None:
        """Pages are shown wide and in the light from now on."""
        await self._show("desk", DESKTOP["width"], DESKTOP["height"], "light")

    async def on_a_phone(self) -> None:
        """Pages are shown narrow and in the dark from now on."""
        await self._show("phone", PHONE["width"], PHONE["height"], "dark")

    async def _show(self, look: str, width: int, height: int, scheme: Literal["light", "dark"]) -> None:
        self.look = look
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.emulate_media(color_scheme=scheme)

    async def too_wide(self) -> list[str]:
        """What stands beyond the right edge, when the page can be scrolled sideways."""
        found: list[str] = await self.page.evaluate(TOO_WIDE)
        return found

    async def violations(self) -> list[str]:
        """What axe-core finds on the page: the rule, and the first place."""
        found = (await Axe().run(self.page)).response["violations"]
        return [f"{each['id']} at {each['nodes'][0]['html'][:200]}" for each in found]

    async def assert_accessible(self) -> None:
        """No violation that axe-core can find."""
        assert await self.violations() == []


@pytest.fixture
async def team(stack: Settings, chrome: Browser) -> AsyncIterator[Team]:
    """A new organization, signed in at desktop width, in the light."""
    async for each in new_team(stack, chrome, viewport=DESKTOP, color_scheme="light"):
        yield each


@pytest.fixture
async def phone(stack: Settings, chrome: Browser) -> AsyncIterator[Team]:
    """The same on a phone in the dark."""
    async for each in new_team(stack, chrome, viewport=PHONE, color_scheme="dark", has_touch=True):
        yield each


async def new_team(stack: Settings, chrome: Browser, **look: Any) -> AsyncIterator[Team]:
    address = f"http://127.0.0.1:{stack.api_port}"
    database = Database(stack.effective_database_url, 1)
    async with database.transaction() as session:
        _, key = await create_organization(session, "Fjord & Fell <script>alert(1)</script>")
    await database.close()
    headers = {"Authorization": f"Bearer {key}"}
    context = await chrome.new_context(**look)
    # What the browser reports of the policy arrives as an error in its console; this makes it one with its details.
    await context.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => "
        "console.error(`policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`))"
    )
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60, trust_env=False) as client:
        team = Team(address, key, client, await context.new_page(), context)
        team.watch(team.page)
        await team.sign_in()
        yield team
        await context.close()
    assert team.wrong == []


class Shots:
    """Pictures of pages to look at. Nothing judges them and one takes half a second of a processor, so they are taken only when
    the environment variable SHOTS names a directory for them."""

    def __init__(self, test: str) -> None:
        wanted = os.getenv("SHOTS")
        self._directory = Path(wanted).absolute() / test if wanted else None

    async def take(self, page: Page, name: str, full_page: bool = True) -> None:
        if self._directory:
            await page.screenshot(path=self._directory / f"{name}.png", full_page=full_page)


@pytest.fixture
def shots(request: pytest.FixtureRequest) -> Shots:
    return Shots(request.node.name)
