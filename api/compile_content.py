"""From message templates to contents: what is checked at save, and the compiled text with its links at launch and publish."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from models.channel import Channel, Medium
from models.content import Content, NewLink, add_content
from models.errors import FieldError, Invalid
from models.steps import MessageTemplate, Utm
from tracking.destination import DestinationError
from tracking.html import compile_html
from tracking.links import Link, LinkError, compile_text
from tracking.source import SourceError
from tracking.template import LINKS, UNSUBSCRIBE, check_template, error_at, outer_variables
from tracking.utm import check_utm_value, with_utm


@dataclass(frozen=True)
class CompiledMessage:
    """Templates in which each trackable address is `{{ tracked_links[position] }}`, and the addresses."""

    subject: str | None
    body: str
    html: str | None
    links: Sequence[Link]

    @property
    def names(self) -> list[str | None]:
        return [link.name for link in self.links]


def refuse(errors: Iterable[FieldError], what: str) -> None:
    """Invalid with all the errors, if there are any. `what` could not be done: "The campaign cannot be launched"."""
    found = list(errors)
    if len(found) == 1:
        raise Invalid(f"{what}: {found[0].field}: {found[0].message}", found)
    if found:
        raise Invalid(f"{what}: {len(found)} fields need a change.", found)


def template_errors(message: MessageTemplate, path: str) -> Iterator[FieldError]:
    """Wrong Liquid and unknown merge fields, with line and column: the check at save, when links may still be missing."""
    for field, source in _sources(message):
        try:
            check_template(source)
            _refuse_unsubscribe_url(source)
            if field == "subject":
                _refuse_links_in_subject(source)
        except SourceError as error:
            yield field_error(f"{path}.{field}", error)


def _sources(message: MessageTemplate) -> Iterator[tuple[str, str]]:
    if message.subject is not None:
        yield "subject", message.subject
    yield "body", message.body
    if message.html is not None:
        yield "html", message.html
    for name, url in message.links.items():
        yield f"links.{name}", url


def _refuse_unsubscribe_url(source: str) -> None:
    """Nothing fills it in yet, and a message that offers an address and shows none is worse than a refusal."""
    for variable in outer_variables(source):
        if variable.segments[0] == UNSUBSCRIBE:
            raise error_at(
                source,
                variable.span.index,
                "unsubscribe_url cannot be filled in yet; write the address of your own page for unsubscribing.",
            )


def _refuse_links_in_subject(source: str) -> None:
    for variable in outer_variables(source):
        if variable.segments[0] == LINKS:
            raise error_at(source, variable.span.index, "a subject cannot contain a link.")


def field_error(field: str, error: SourceError) -> FieldError:
    place = f"Line {error.line}, column {error.column}: " if error.line is not None else ""
    message = error.message if place else error.message[:1].upper() + error.message[1:]
    return FieldError(field, f"{place}{message}", error.line, error.column)


def medium_errors(message: MessageTemplate, channel: Channel, path: str) -> Iterator[FieldError]:
    """An e-mail has a subject, a text message neither that nor HTML."""
    if channel.medium == Medium.EMAIL and message.subject is None:
        yield FieldError(f"{path}.subject", f"An e-mail needs a subject: '{channel.name}' sends e-mail.")
    if channel.medium == Medium.SMS and message.subject is not None:
        yield FieldError(f"{path}.subject", f"A text message has no subject: leave it out, '{channel.name}' sends text messages.")
    if channel.medium == Medium.SMS and message.html is not None:
        yield FieldError(f"{path}.html", f"A text message has no HTML: leave it out, '{channel.name}' sends text messages.")


def utm_errors(utm: Utm | None, path: str = "utm") -> Iterator[FieldError]:
    """The check at save: merge fields of contact and organization are possible."""
    for name, value in utm or ():
        try:
            check_utm_value(value or "")
        except SourceError as error:
            yield field_error(f"{path}.{name}", error)


def compile_message(
    message: MessageTemplate, path: str, utm: Utm | None = None, utm_overwrite: bool = False
) -> tuple[CompiledMessage | None, list[FieldError]]:
    """The compiled message with UTM parameters in its links, or everything that is wrong with it."""
    compiled, errors = _compile(message, path)
    if compiled is None or utm is None:
        return compiled, errors
    try:
        links = [with_utm(link, utm.parameters(), utm_overwrite) for link in compiled.links]
    except DestinationError as error:
        return None, [FieldError(f"{path}.links", f"With its UTM parameters: {error}")]
    return replace(compiled, links=links), []


def _compile(message: MessageTemplate, path: str) -> tuple[CompiledMessage | None, list[FieldError]]:
    """A part without HTML beside it, or the one that comes last, has to contain every name that no part before it has."""
    errors = list(template_errors(message, path))
    if errors:
        return None, errors
    text = page = None
    try:
        text = compile_text(message.body, message.links, every_name=message.html is None)
    except LinkError as error:
        errors += _link_errors(error, path, "body")
    try:
        if message.html is not None:
            page = compile_html(message.html, message.links, text.links if text else (), every_name=text is not None)
    except LinkError as error:
        errors += _link_errors(error, path, "html")
    if errors or text is None:
        return None, list(dict.fromkeys(errors))  # a name that is wrong is so in both parts
    last = page or text
    return CompiledMessage(message.subject, text.template, page.template if page else None, last.links), []


def _link_errors(error: LinkError, path: str, part: str) -> Iterator[FieldError]:
    for each in (error, *error.more):
        yield field_error(f"{path}.{part}" if each.name is None else f"{path}.links.{each.name}", each)


async def store(
    session: AsyncSession,
    channel: Channel,
    compiled: CompiledMessage,
    wakes: Sequence[int],
    *,
    campaign_id: UUID | None = None,
    sequence_id: UUID | None = None,
    sequence_version_id: UUID | None = None,
    step_key: str | None = None,
) -> int:
    """The id of the new content."""
    content = Content(
        org_id=channel.org_id,
        channel_id=channel.id,
        campaign_id=campaign_id,
        sequence_id=sequence_id,
        sequence_version_id=sequence_version_id,
        step_key=step_key,
        subject=compiled.subject,
        body=compiled.body,
        html=compiled.html,
        wakes=list(wakes),
    )
    return await add_content(session, content, [_new_link(link) for link in compiled.links])


def _new_link(link: Link) -> NewLink:
    return NewLink(link.position, link.name, link.url, link.written if link.written != link.url else None, link.merge)
