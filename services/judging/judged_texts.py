"""Questions about texts as the API asks them. Each is answered in another process, see `services/judging/judge.py`."""

from collections.abc import Iterable
from uuid import UUID

from models.errors import FieldError
from models.sequences.steps.message import MessageTemplate, Utm
from services.composing.rendering import Texts
from services.contents.compile_content import CompiledMessage, compile_message, template_errors, utm_errors
from services.contents.fill_in import FillIn, fill_in
from services.judging.judge import SECONDS, Judge, TooSlow
from tracking.links.shown_links import shown_links

SHORT = 1_000
"""Characters of a text that is read at once: it takes less than a millisecond, whatever it holds."""

Compiled = tuple[CompiledMessage | None, list[FieldError]]


async def check_messages(judge: Judge, org_id: UUID, messages: Iterable[tuple[MessageTemplate, str]]) -> list[FieldError]:
    """Returns what is wrong with each (message, path) when it is saved. They are read one after the other, so that others come in
    between."""
    return [error for message, path in messages for error in await _checked(judge, org_id, message, path)]


async def _checked(judge: Judge, org_id: UUID, message: MessageTemplate, path: str) -> list[FieldError]:
    try:
        return await judge.ask(org_id, template_errors, message, path)
    except TooSlow:
        return [too_slow(path)]


async def check_utm(judge: Judge, org_id: UUID, utm: Utm | None) -> list[FieldError]:
    try:
        return await judge.ask(org_id, utm_errors, utm) if utm else []
    except TooSlow:
        return [too_slow("utm")]


async def compiled_message(
    judge: Judge, org_id: UUID, message: MessageTemplate, path: str, utm: Utm | None = None, utm_overwrite: bool = False
) -> Compiled:
    try:
        return await judge.ask(org_id, compile_message, message, path, utm, utm_overwrite)
    except TooSlow:
        return None, [too_slow(path)]


async def filled_in(judge: Judge, org_id: UUID, message: FillIn) -> Texts | FieldError:
    """Returns the message for one contact, or why it cannot be composed."""
    try:
        return await judge.ask_once(org_id, fill_in, message)
    except TooSlow:
        return too_slow("message")


async def links_in(judge: Judge, org_id: UUID, body: str, html: str | None) -> list[str]:
    """Returns the addresses that a received message shows, and none when finding them takes too long."""
    if len(body) + len(html or "") <= SHORT:
        return shown_links(body, html)
    try:
        return await judge.ask_once(org_id, shown_links, body, html)
    except TooSlow:
        return []


def too_slow(path: str) -> FieldError:
    return FieldError(
        path, f"This text takes more than {SECONDS:g} s to read: use fewer tags, loops and links, or make it shorter."
    )
