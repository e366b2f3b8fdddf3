"""Judges the templates of an http channel when they are saved, in a process of their own (`services/judging/judge.py`)."""

from collections.abc import Iterator
from uuid import UUID

from models.errors import FieldError
from services.channels.http.config import HttpConfig
from services.channels.http.templates import Use, problem_of
from services.judging.judge import Judge, TooSlow


async def judge_templates(judge: Judge, org_id: UUID, config: HttpConfig) -> list[FieldError]:
    """Returns what is wrong with each template, by its field."""
    return [
        FieldError(f"config.{field}", problem)
        for field, use, source in _templates(config)
        if (problem := await _ask(judge, org_id, source, use))
    ]


async def _ask(judge: Judge, org_id: UUID, source: str, use: Use) -> str | None:
    try:
        return await judge.ask(org_id, problem_of, source, use)
    except TooSlow:
        return "The template takes too long to fill in: write it shorter."


def _templates(config: HttpConfig) -> Iterator[tuple[str, Use, str]]:
    yield "url", Use.URL, config.url
    yield "body", Use(config.body_format), config.body
    for name, value in config.headers.items():
        yield f"headers.{name}", Use.HEADER, value
    if config.find is not None:
        yield "find.url", Use.URL, config.find.url
