"""Checks the text of a notification when it is saved, in a process of its own, as the texts of messages are checked."""

from collections.abc import Mapping
from uuid import UUID

from models.errors import FieldError
from services.judging.judge import Judge, TooSlow
from services.judging.judged_texts import too_slow
from services.notifications.text import text_errors


async def notification_text_errors(judge: Judge, org_id: UUID, template: str | None, path: str) -> list[FieldError]:
    """Returns what is wrong with the text of a target, an action or a step. A text of None is the default one."""
    if template is None:
        return []
    try:
        return await judge.ask(org_id, text_errors, template, path)
    except TooSlow:
        return [too_slow(path)]


async def notification_texts_errors(judge: Judge, org_id: UUID, texts: Mapping[str, str | None]) -> list[FieldError]:
    """Returns what is wrong with each of the texts, which come by their paths."""
    return [error for path, text in texts.items() for error in await notification_text_errors(judge, org_id, text, path)]
