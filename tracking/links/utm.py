"""Adds UTM parameters to the query of an address, before its fragment; every other byte stays as it is."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from urllib.parse import quote, unquote_plus

from tracking.links.links import Link
from tracking.templates.masked import MaskedText
from tracking.templates.merge import judge
from tracking.templates.source import Kind, pieces
from tracking.templates.template import LINKS, UNSUBSCRIBE, TemplateError, check_template, outer_variables


class _Parameter(NamedTuple):
    """`name` is decoded; `text` is the parameter as it stands in the address."""

    name: str
    text: str


def check_utm_value(value: str) -> None:
    """Raises TemplateError unless the value is text with fields of contact and organization."""
    check_template(value)
    if any(piece.kind not in (Kind.TEXT, Kind.OUTPUT) for piece in pieces(value)):
        raise TemplateError("only merge fields are possible in a UTM parameter, no tags.")
    if any(variable.segments[0] in (LINKS, UNSUBSCRIBE) for variable in outer_variables(value)):
        raise TemplateError("links cannot be part of a UTM parameter.")


def with_utm(link: Link, utm: Mapping[str, str], overwrite: bool = False) -> Link:
    """Returns the link as it is to be tracked; `written` stays. Merge fields in `utm` make it a link that each recipient has for
    itself. `utm` is such as {"utm_source": "…"}. Raises DestinationError when the address gets too long."""
    url = add_utm(link.url, utm, overwrite)
    if url == link.url:
        return link
    destination = judge(url)
    return link._replace(url=destination.url, merge=destination.merge)


def add_utm(url: str, utm: Mapping[str, str], overwrite: bool = False) -> str:
    """Adds the parameters. Those that the address already has win, or are replaced in their position with `overwrite`. `url` may
    be a template."""
    text = MaskedText(url)
    before, query, after = _split(url, text)
    found = list(_parameters(query)) if query else []
    present = {parameter.name for parameter in found}
    missing = [f"{name}={_encoded(value)}" for name, value in utm.items() if name not in present]
    if overwrite and present.intersection(utm):
        query = "&".join(_replaced(found, utm))
    if missing:
        joint = "&" if query and not query.endswith("&") else ""
        query = (query or "") + joint + "&".join(missing)
    return before + ("" if query is None else f"?{query}") + after


def _split(url: str, text: MaskedText) -> tuple[str, str | None, str]:
    """Splits an address into what stands before the query, the query (None without a question mark), and the fragment."""
    end = text.masked.find("#")
    mark = text.masked.find("?", 0, end if end >= 0 else None)
    cut = text.span(end, end + 1)[0] if end >= 0 else len(url)
    if mark < 0:
        return url[:cut], None, url[cut:]
    start, stop = text.span(mark, mark + 1)
    return url[:start], url[stop:cut], url[cut:]


def _parameters(query: str) -> Iterator[_Parameter]:
    """Replaces each merge field by one letter, whatever stands between its brackets."""
    text = MaskedText(query)
    place = 0
    for part in text.masked.split("&"):
        written = query[slice(*text.span(place, place + len(part)))] if part else ""
        yield _Parameter(unquote_plus(part.partition("=")[0]), written)
        place += len(part) + 1


def _replaced(found: list[_Parameter], utm: Mapping[str, str]) -> Iterator[str]:
    done: set[str] = set()
    for parameter in found:
        if parameter.name not in utm:
            yield parameter.text
        elif parameter.name not in done:
            done.add(parameter.name)
            yield f"{parameter.name}={_encoded(utm[parameter.name])}"


def _encoded(value: str) -> str:
    """Encodes a value. Merge fields stay, because they are encoded when they are filled in."""
    return "".join(
        value[piece.start : piece.end] if piece.kind is Kind.OUTPUT else quote(value[piece.start : piece.end], safe="")
        for piece in pieces(value)
    )
