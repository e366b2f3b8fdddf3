"""Turns message templates into contents: what is checked when they are saved, and the compiled text with its links at launch and
publish.

All of it is work of the processor alone, which `services/judging/judge.py` has done in a process of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from models.errors import FieldError, Invalid
from models.sequences.steps.message import MessageTemplate, Utm
from services.contents.text_of_html import NoText, with_text
from tracking.links.destination import DestinationError
from tracking.links.html import check_references, compile_html
from tracking.links.links import Link, compile_text
from tracking.links.named_links import LinkError
from tracking.links.utm import check_utm_value, with_utm
from tracking.templates.source import SourceError
from tracking.templates.template import LINKS, MAX_SOURCE, UNSUBSCRIBE, check_rendering, check_template, error_at, outer_variables
from tracking.tokens.token import TOKEN_LENGTH
from tracking.tokens.unsubscribe import unsubscribe_address

TRACKED_ADDRESS = "https://" + "x" * 253 + "/" + "x" * TOKEN_LENGTH
"""The longest tracked link, because the link domain of a message is known only when it is sent."""
UNSUBSCRIBE_ADDRESS = unsubscribe_address("https://" + "x" * 253, "x" * TOKEN_LENGTH)


@dataclass(frozen=True)
class CompiledMessage:
    """Templates in which each trackable address is `{{ tracked_links[position] }}`, and the addresses."""

    subject: str | None
    body: str
    html: str | None
    links: Sequence[Link]
    kind: str = "marketing"
    valid_for: timedelta | None = None

    @property
    def names(self) -> list[str | None]:
        return [link.name for link in self.links]


def refuse(errors: Iterable[FieldError], what: str) -> None:
    """Raises Invalid with all the errors, if there are any. `what` could not be done: "The campaign cannot be launched"."""
    found = list(errors)
    if len(found) == 1:
        raise Invalid(f"{what}: {found[0].field}: {found[0].message}", found)
    if found:
        raise Invalid(f"{what}: {len(found)} fields need a change.", found)


def template_errors(message: MessageTemplate, path: str) -> list[FieldError]:
    """Finds wrong Liquid and unknown merge fields, with line and column. This is the check when a draft is saved and links may
    still be missing."""
    try:
        return list(_template_errors(with_text(message), path))
    except NoText as error:
        return [FieldError(f"{path}.body", str(error)), *_template_errors(message, path)]


def _template_errors(message: MessageTemplate, path: str) -> Iterator[FieldError]:
    for field, source in _sources(message):
        try:
            check_template(source)
            if field == "subject":
                _refuse_links_in_subject(source)
            if field == "html":
                check_references(source)
            if not field.startswith("links."):
                check_rendering(source, html=field == "html")
        except SourceError as error:
            yield field_error(f"{path}.{field}", error)


def _sources(message: MessageTemplate) -> Iterator[tuple[str, str]]:
    if message.subject is not None:
        yield "subject", message.subject
    if message.body is not None:
        yield "body", message.body
    if message.html is not None:
        yield "html", message.html
    for name, url in message.links.items():
        yield f"links.{name}", url


def _refuse_links_in_subject(source: str) -> None:
    for variable in outer_variables(source):
        if variable.segments[0] in (LINKS, UNSUBSCRIBE):
            raise error_at(source, variable.span.index, "a subject cannot contain a link.")


def field_error(field: str, error: SourceError) -> FieldError:
    place = f"Line {error.line}, column {error.column}: " if error.line is not None else ""
    message = error.message if place else error.message[:1].upper() + error.message[1:]
    return FieldError(field, f"{place}{message}", error.line, error.column)


def utm_errors(utm: Utm, path: str = "utm") -> list[FieldError]:
    """The check when a draft is saved: merge fields of contact and organization are possible."""
    return list(_utm_errors(utm, path))


def _utm_errors(utm: Utm, path: str) -> Iterator[FieldError]:
    for name, value in utm:
        try:
            check_utm_value(value or "")
        except SourceError as error:
            yield field_error(f"{path}.{name}", error)


def compile_message(
    message: MessageTemplate, path: str, utm: Utm | None = None, utm_overwrite: bool = False
) -> tuple[CompiledMessage | None, list[FieldError]]:
    """Returns the compiled message with UTM parameters in its links, or everything that is wrong with it."""
    compiled, errors = _compile(message, path)
    if compiled is not None:
        errors = list(_rendering_errors(compiled, path))
    if compiled is None or errors or utm is None:
        return None if errors else compiled, errors
    try:
        links = [with_utm(link, utm.parameters(), utm_overwrite) for link in compiled.links]
    except DestinationError as error:
        return None, [FieldError(f"{path}.links", f"With its UTM parameters: {error}")]
    return replace(compiled, links=links), []


def _rendering_errors(compiled: CompiledMessage, path: str) -> Iterator[FieldError]:
    """Checks the size that the text has with rewritten links, so that no message fails because of it later."""
    addresses = [max(link.written, TRACKED_ADDRESS, key=len) for link in compiled.links]
    for field, template in (("body", compiled.body), ("html", compiled.html)):
        if template is not None and len(template) > MAX_SOURCE:
            size = f"the text has {len(template):,} characters; at most {MAX_SOURCE:,} are possible"
            yield FieldError(f"{path}.{field}", f"With its links rewritten for tracking, {size}.")
        elif template is not None:
            try:
                check_rendering(template, html=field == "html", tracked_links=addresses, unsubscribe_url=UNSUBSCRIBE_ADDRESS)
            except SourceError as error:  # its position is one in the rewritten text
                yield FieldError(f"{path}.{field}", f"With its links rewritten for tracking: {error.message}")


def _compile(message: MessageTemplate, path: str) -> tuple[CompiledMessage | None, list[FieldError]]:
    """A part without HTML beside it, or the part that comes last, has to contain every name that no part before it has."""
    errors = template_errors(message, path)
    if errors:
        return None, errors
    message = with_text(message)
    text = page = None
    try:
        text = compile_text(message.body or "", message.links, every_name=message.html is None)
    except LinkError as error:
        errors += _link_errors(error, path, "body")
    try:
        if message.html is not None:
            page = compile_html(message.html, message.links, text.links if text else (), every_name=text is not None)
    except LinkError as error:
        errors += _link_errors(error, path, "html")
    if errors or text is None:
        return None, list(dict.fromkeys(errors))  # a wrong name is wrong in both parts
    last = page or text
    page_template = page.template if page else None
    return CompiledMessage(message.subject, text.template, page_template, last.links, message.kind, message.valid_for), []


def _link_errors(error: LinkError, path: str, part: str) -> Iterator[FieldError]:
    for each in (error, *error.more):
        yield field_error(f"{path}.{part}" if each.name is None else f"{path}.links.{each.name}", each)
