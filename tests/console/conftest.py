"""The console as a browser sees it, without a browser: signed in, its cookies kept, its pages parsed."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from lxml import html

from api.handling.services import Services
from console.app import create_app
from models.organizations.organization import Organization
from tests.builders import Caller
from tests.console.addresses import wrong_addresses


class Shown:
    """A page: its status, and what is on it. `text` has single blanks."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer, self.status = answer, answer.status_code
        self.location = answer.headers.get("location", "")
        self.body = html.fromstring(answer.text) if answer.text.strip() else html.fromstring("<html></html>")

    @property
    def text(self) -> str:
        return " ".join(self.body.text_content().split())

    def all(self, selector: str) -> list[str]:
        """The texts of whatever the CSS selector finds."""
        return [" ".join(each.text_content().split()) for each in self.body.cssselect(selector)]

    def links(self, selector: str = "a") -> list[str]:
        return [each.get("href") for each in self.body.cssselect(selector)]

    def value(self, name: str) -> str:
        """What a field of a form holds."""
        (field,) = self.body.cssselect(f'[name="{name}"]')[:1]
        if field.tag == "textarea":
            return str(field.value).removeprefix("\n")  # as browsers do
        return str(field.value if field.tag in ("input", "select") else field.text_content())


class Browser:
    """A browser of one person: `await browser.open("/campaigns")`, `await browser.send("/campaigns/new", name="Spring")`."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def sign_in(self, key: str) -> Shown:
        return Shown(await self.client.post("/console/sign-in", data={"key": key}))

    async def open(self, path: str, **query: Any) -> Shown:
        return self._looked_at(await self.client.get(_address(path), params=query or None))

    async def token(self) -> str:
        """What every form of this session sends. The search is the page that asks the database least."""
        return (await self.open("/search")).value("form_token")

    async def send(self, path: str, **fields: Any) -> Shown:
        """Sends a form as its page would. Fields that are lists are sent several times."""
        if "form_token" not in fields:
            fields["form_token"] = await self.token()
        return self._looked_at(await self.client.post(_address(path), data=fields))

    def _looked_at(self, answer: httpx.Response) -> Shown:
        """Every test looks at the addresses to which its pages lead."""
        shown = Shown(answer)
        assert wrong_addresses(shown.body) == []
        return shown


def _address(path: str) -> str:
    return path if path.startswith("/console") else f"/console{path}".rstrip("/")


@pytest.fixture(scope="session")
def console_app() -> FastAPI:
    return create_app()


@pytest.fixture
async def visitor(console_app: FastAPI, services: Services) -> AsyncIterator[Browser]:
    """A browser that is not signed in."""
    console_app.state.services = services
    transport = httpx.ASGITransport(console_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://console.test") as client:
        yield Browser(client)


@pytest.fixture
async def browser(visitor: Browser, organization: tuple[Organization, str]) -> Browser:
    """The browser of an owner of the test organization."""
    await visitor.sign_in(organization[1])
    return visitor


async def with_role(visitor: Browser, api: Caller, role: str) -> Browser:
    """Signs in with a new key of this role."""
    made = await api.post("/api-keys", json={"name": role, "role": role})
    await visitor.sign_in(made.json()["key"])
    return visitor
