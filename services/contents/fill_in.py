"""Returns a compiled message as one contact would get it, or the field that has to change. `services/judging/judge.py` runs
it."""

from dataclasses import dataclass

from models.errors import FieldError
from services.composing.rendering import Reader, Texts, Unrenderable, render_message
from services.contents.compile_content import CompiledMessage, field_error
from tracking.templates.source import SourceError


@dataclass(frozen=True)
class FillIn:
    """`tracked` is what stands for each tracked address. With None, links go out as they were written."""

    message: CompiledMessage
    reader: Reader
    tracked: str | None


def fill_in(wanted: FillIn) -> Texts | FieldError:
    links = wanted.message.links
    tracked = None if wanted.tracked is None else [wanted.tracked] * len(links)
    try:
        return render_message(wanted.message, links, wanted.reader, tracked).texts
    except Unrenderable as error:
        field = f"message.{error.field}"
        return field_error(field, error.fault) if isinstance(error.fault, SourceError) else FieldError(field, str(error))
