"""Fills in a compiled message for one contact. It is the one rule for messages that go out and for previews of them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from models.texts.text import storable
from tracking.links.destination import DestinationError
from tracking.links.spelling import AsWritten
from tracking.templates.budget import together
from tracking.templates.merge import has_fields, render_destination
from tracking.templates.source import SourceError
from tracking.templates.template import UNSUBSCRIBE, render


class Templates(Protocol):
    """The parts of a message, compiled: each trackable address is `{{ tracked_links[position] }}`."""

    @property
    def subject(self) -> str | None: ...
    @property
    def body(self) -> str: ...
    @property
    def html(self) -> str | None: ...


class TemplateLink(Protocol):
    """A link of a compiled message. With `merge`, `url` is a template. A `written` of None means that the author wrote it like
    `url`."""

    @property
    def position(self) -> int: ...
    @property
    def name(self) -> str | None: ...
    @property
    def url(self) -> str: ...
    @property
    def merge(self) -> bool: ...
    @property
    def written(self) -> str | None: ...


class Texts(NamedTuple):
    """What a contact reads."""

    subject: str | None
    body: str
    html: str | None


@dataclass(frozen=True)
class Reader:
    """What templates know of a contact (see docs/templates.md), the name of its organization, and the variables of the
    enrollment, which are empty for a campaign's messages. With `must_see_unsubscribe_url`, a text that names this address has to
    show it to this contact."""

    contact: Mapping[str, Any]
    organization_name: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    unsubscribe_url: str = ""
    must_see_unsubscribe_url: bool = False

    @property
    def fields(self) -> Mapping[str, Any]:
        return {
            "contact": self.contact,
            "organization": {"name": self.organization_name},
            "enrollment": {"variables": self.variables},
        }


@dataclass(frozen=True)
class Rendered:
    """`destinations` are this contact's own addresses of the tracked links with merge fields, by position."""

    texts: Texts
    destinations: Mapping[int, str]


class Unusable(ValueError):
    """The text can be filled in, but the result cannot be kept or is not a message."""


class Unrenderable(Exception):
    """A message cannot be composed for this contact. `field` is the part with the fault: `subject`, `body`, `html`, `links` or
    `links.NAME`."""

    def __init__(self, field: str, fault: SourceError | DestinationError | Unusable) -> None:
        super().__init__(str(fault))
        self.field, self.fault = field, fault


def render_message(
    templates: Templates, links: Sequence[TemplateLink], reader: Reader, tracked: Sequence[str] | None
) -> Rendered:
    """Raises Unrenderable for the first part with a fault.

    `links` come in the order of their positions, and `tracked` has the address that stands for each of them. When `tracked` is
    None, link tracking is off, and the message shows the links as they were written.
    """
    with together():
        destinations: dict[int, str] = {}
        addresses: list[str] = []
        for link in links:
            with _faults_of(f"links.{link.name}" if link.name else "links"):
                if tracked is None:
                    addresses.append(_as_written(link, reader))
                else:
                    addresses.append(tracked[len(addresses)])
                    if link.merge:
                        destinations[link.position] = _destination(link.url, reader)
        with _faults_of("subject"):
            subject = templates.subject and _one_line(_filled_in(templates.subject, reader, addresses))
        with _faults_of("body"):
            body = _filled_in(templates.body, reader, addresses)
            if not body.strip():
                raise Unusable("the text is empty for this contact")
        with _faults_of("html"):
            html = templates.html and _filled_in(templates.html, reader, addresses, html=True)
    return Rendered(Texts(subject, body, html), destinations)


@contextmanager
def _faults_of(field: str) -> Iterator[None]:
    try:
        yield
    except (SourceError, DestinationError, Unusable) as fault:
        raise Unrenderable(field, fault) from fault


def _filled_in(template: str, reader: Reader, addresses: Sequence[str], *, html: bool = False) -> str:
    text = render(template, **reader.fields, unsubscribe_url=reader.unsubscribe_url, tracked_links=addresses, html=html)
    if reader.must_see_unsubscribe_url and UNSUBSCRIBE in template and _token(reader.unsubscribe_url) not in text:
        raise Unusable("this contact would not see unsubscribe_url; show it to everybody, outside of any condition")
    try:
        return storable(text)
    except ValueError as error:
        raise Unusable(str(error)) from error


def _token(unsubscribe_url: str) -> str:
    """Filters change an address, such as `url_encode`, but not the letters and digits at its end."""
    return unsubscribe_url.rpartition("/")[2]


def _one_line(subject: str) -> str:
    """A line break from a merge field would begin another header of the mail, so it becomes a space."""
    return " ".join(subject.splitlines())


def _as_written(link: TemplateLink, reader: Reader) -> AsWritten:
    """Returns the address as its author wrote it, which an untracked message shows, with its merge fields filled in."""
    written = link.written or link.url
    if link.merge and has_fields(written):
        return AsWritten(_destination(written, reader))
    return AsWritten(written)


def _destination(url: str, reader: Reader) -> str:
    return render_destination(url, **reader.fields)
