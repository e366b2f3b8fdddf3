"""Finds campaigns, sequences, people and segments by name, and the places and commands of the console: the command palette, which
is a page as well."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from console.addresses import url
from console.navigation import PLACES
from console.page import Page
from console.pages import Pages
from console.words.states import state
from models.organizations.api_key import Role

pages = Pages("search")

OF_EACH = 6


@dataclass(frozen=True)
class Hit:
    """`said` is what kind of thing it is, or what is known of it."""

    title: str
    href: str
    icon: str
    said: str = ""


@dataclass(frozen=True)
class Command:
    """`words` are others by which it is found."""

    title: str
    path: str
    icon: str
    role: Role
    words: str = ""


COMMANDS = (
    Command("New campaign", "/campaigns/new", "plus", Role.EDITOR, "create message sms mail"),
    Command("New sequence", "/sequences/new", "plus", Role.EDITOR, "create automation workflow flow"),
    Command("New contact", "/contacts/new", "plus", Role.SENDER, "create person add"),
    Command("New segment", "/segments/new", "plus", Role.EDITOR, "create audience group"),
    Command("New shared link", "/links/new", "plus", Role.EDITOR, "create short qr"),
    Command("Import contacts", "/contacts/import", "plus", Role.SENDER, "csv file upload people"),
    Command("All messages", "/messages", "sms", Role.VIEWER, "sent failed bounced who got"),
    Command("Replies", "/replies", "contact", Role.VIEWER, "inbound answers decide stop inbox"),
    Command("Suppressed addresses", "/suppressions", "contact", Role.VIEWER, "bounced opted out blocked"),
    Command("Notification targets", "/settings/notification-targets", "settings", Role.VIEWER, "team slack mail told"),
    Command("All clicks", "/clicks", "link", Role.VIEWER, "who clicked feed where"),
    Command("Link tracking metadata", "/settings", "settings", Role.VIEWER, "privacy place device switch off link tracking"),
    Command("Channels", "/settings/channels", "settings", Role.VIEWER, "sms mail smtp twilio simulator send"),
    Command("API keys and roles", "/settings/api-keys", "key", Role.OWNER, "token owner viewer editor sender"),
    Command("Sessions", "/settings/sessions", "key", Role.OWNER, "signed in browsers"),
    Command("Link domains", "/settings/link-domains", "link", Role.VIEWER, "host dns"),
    Command("Audit log", "/settings/audit-log", "clock", Role.OWNER, "who changed what history"),
)


@pages.get("/search", reads=["q"])
async def search(page: Page) -> Response:
    """`?q=spring`. Without it, the places and the commands."""
    q = page.query("q")[:200]
    groups = {"Go to": _places(page, q), "Do": _commands(page, q), **(await _named(page, q) if q else {})}
    found = {title: hits for title, hits in groups.items() if hits}
    return page.render("search/search.html", q=q, groups=found, count=sum(map(len, found.values())))


def _places(page: Page, q: str) -> list[Hit]:
    shown = (each for each in PLACES if page.may(each.role) and _fits(q, each.title))
    return [Hit(each.title, url(each.path), each.icon) for each in shown]


def _commands(page: Page, q: str) -> list[Hit]:
    shown = (each for each in COMMANDS if page.may(each.role) and _fits(q, f"{each.title} {each.words}"))
    return [Hit(each.title, url(each.path), each.icon) for each in shown]


def _fits(q: str, text: str) -> bool:
    """Every word of the question begins a word of the text."""
    words = text.lower().split()
    return all(any(word.startswith(part) for word in words) for part in q.lower().split())


async def _named(page: Page, q: str) -> Mapping[str, list[Hit]]:
    """What cannot be asked for, such as a name with a line end, is not found."""
    asked: Mapping[str, tuple[Awaitable[Any], Callable[[Mapping[str, Any]], Hit]]] = {
        "Campaigns": (page.api.get("/analytics/campaigns/list", name=q, limit=OF_EACH, days=1), _campaign),
        "Sequences": (page.api.get("/sequences", name=q, limit=OF_EACH), _sequence),
        "People": (page.api.get("/contacts", q=q, limit=OF_EACH), _contact),
        "Segments": (page.api.get("/segments", name=q, limit=OF_EACH), _segment),
    }
    answers = await page.together(**{title: page.maybe(call, 422, 503) for title, (call, _) in asked.items()})
    return {title: _hits(answers[title], shown) for title, (_, shown) in asked.items()}


def _hits(answer: Any, shown: Callable[[Mapping[str, Any]], Hit]) -> list[Hit]:
    items: Iterable[Mapping[str, Any]] = answer["items"] if answer else ()
    return [shown(each) for each in items]


def _campaign(row: Mapping[str, Any]) -> Hit:
    return Hit(row["name"], url(f"/campaigns/{row['campaign_id']}"), "campaign", state("campaign", row["state"])[1])


def _sequence(row: Mapping[str, Any]) -> Hit:
    return Hit(row["name"], url(f"/sequences/{row['id']}"), "sequence", state("sequence", row["state"])[1])


def _contact(row: Mapping[str, Any]) -> Hit:
    name = " ".join(filter(None, (row["first_name"], row["last_name"])))
    known = [each for each in (name, row["email"], row["phone"], row["external_id"]) if each]
    return Hit(known[0] if known else "Erased", url(f"/contacts/{row['id']}"), "contact", ", ".join(known[1:3]))


def _segment(row: Mapping[str, Any]) -> Hit:
    return Hit(row["name"], url(f"/segments/{row['id']}"), "segment", "Segment")
