"""Replaces the addresses of links in the HTML part of an e-mail by tracked links; every other byte stays as it is.

A link is the `href` of an `<a>` or `<area>`. `docs/templates.md` lists what is never tracked.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from tracking.links.links import CompiledText, Compiler, Link
from tracking.links.markup import LINKS, MARK, Attribute, StartTag, decode, impossible_reference, start_tags
from tracking.links.named_links import Names
from tracking.templates.masked import MaskedText
from tracking.templates.source import Kind, pieces
from tracking.templates.template import check_template, error_at

OFF = "data-linkwake"
"""The attribute with which an author keeps a link untracked. Its value is `off`, or `unsubscribe`, which also says what the link
is for."""

_OFF_VALUES = frozenset({"off", "unsubscribe"})
_SEGMENT = re.compile(rf"[^{MARK}]+")
_TRACKABLE = re.compile(r"https?://", re.IGNORECASE)
_WHOLE = re.compile(r"#|[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SPACE = "\t\n\f\r "
# Template signs that are written as character numbers would become a template of their own once they are decoded.
_MADE_BY_REFERENCE = re.compile(r"[{}%]")


class _Segment(NamedTuple):
    """A piece of an `href` between template tags, without the white space around it."""

    start: int
    end: int


def compile_html(
    source: str,
    named: Mapping[str, str] | None = None,
    links: Iterable[Link] = (),
    extra: Collection[str] = (),
    *,
    every_name: bool = True,
) -> CompiledText:
    """Works as `compile_text`, for HTML. `links` are those of the text part; they keep their numbers and come first in the
    answer.

    Render the template with `html=True`, which writes every address as an attribute needs it.
    """
    check_template(source, extra)
    text = MaskedText(source)
    masked = text.with_marks(MARK)
    compiler = Compiler(source, text, Names(named or {}, extra), links)
    for tag in start_tags(masked):
        with compiler.refusing(*text.span(tag.start, tag.start + 1)):
            if href := _trackable(compiler, text, masked, tag):
                for segment in _addresses(compiler, text, masked, href):
                    _add(compiler, source, text, segment)
    return compiler.finish(every_name=every_name)


def check_references(source: str) -> None:
    """Raises TemplateError for a link with a number in it that stands for no character, such as `&#99999999;`."""
    text = MaskedText(source)
    masked = text.with_marks(MARK)
    for tag in start_tags(masked):
        href = tag.attributes.get("href") if tag.name in LINKS else None
        place = impossible_reference(masked[href.start : href.end]) if href else None
        if href and place is not None:
            index = text.span(href.start + place, href.start + place + 1)[0]
            raise error_at(source, index, "this number stands for no character; write the address without it.")


def _trackable(compiler: Compiler, text: MaskedText, masked: str, tag: StartTag) -> Attribute | None:
    """Returns the tag's `href`, unless its author does not want it tracked."""
    off, href = tag.attributes.get(OFF), tag.attributes.get("href")
    if off is not None:
        place = text.span(tag.start, tag.start + 1)[0]
        if tag.name not in LINKS:
            raise compiler.error(place, f"{OFF} belongs to an <a> or <area>; around several links, write {{% untracked %}}.")
        if masked[off.start : off.end].strip().lower() not in _OFF_VALUES:
            raise compiler.error(place, f'{OFF} can only be "off" or "unsubscribe".')
        return None
    return href if tag.name in LINKS else None


def _addresses(compiler: Compiler, text: MaskedText, masked: str, href: Attribute) -> Iterator[_Segment]:
    """Returns the addresses that can be tracked. There are several when the template chooses between them."""
    value = masked[href.start : href.end]
    segments = [each for match in _SEGMENT.finditer(value) if (each := _stripped(match, href.start))]
    trackable = dict.fromkeys(each for each in segments if _TRACKABLE.match(decode(masked[each.start : each.end]).lstrip(_SPACE)))
    in_parts = trackable and any(each not in trackable and not _WHOLE.match(masked, each.start) for each in segments)
    around_quotes = not href.quoted and any(masked[each.start] in "\"'" for each in segments)
    if in_parts or around_quotes:
        message = "a tag cannot be part of a link; write the whole address in each branch, and the quotes outside of the tags."
        raise compiler.error(text.span(href.start, href.start + 1)[0], message)
    yield from trackable


def _stripped(match: re.Match[str], offset: int) -> _Segment | None:
    found = match[0]
    start, end = match.start() + len(found) - len(found.lstrip(_SPACE)), match.start() + len(found.rstrip(_SPACE))
    return _Segment(offset + start, offset + end) if start < end else None


def _add(compiler: Compiler, source: str, text: MaskedText, segment: _Segment) -> None:
    start, end = text.span(*segment)
    address = source[start:end]
    written = ""
    for piece in pieces(address):
        part = address[piece.start : piece.end]
        meant = decode(part) if piece.kind is Kind.TEXT else part
        if len(_MADE_BY_REFERENCE.findall(meant)) != len(_MADE_BY_REFERENCE.findall(part)):
            raise compiler.error(start, "in an address, write { as %7B, } as %7D and % as %25.")
        written += meant
    compiler.add_url(start, end, written.strip(_SPACE))
