"""Reading HTML as browsers do, with the place of everything: just enough to find the addresses of links.

Follows the tokenizer of the HTML standard (13.2.5) for tags, attributes, comments and elements whose content is no markup.
Nothing is ever written back, so that markup which is wrong stays exactly as wrong as it was.
"""

import html
import re
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

MARK = "\x00"
"""Stands for what a template puts there, or does there, and is not looked at: no character of a tag or an attribute."""

LINKS = frozenset({"a", "area"})

_SPACE = r"\t\n\f\r "
_TAG_NAME = re.compile(rf"[A-Za-z][^{_SPACE}/>{MARK}]*")
_BETWEEN = re.compile(rf"[{_SPACE}/{MARK}]*")
_ATTRIBUTE = re.compile(
    rf"(?P<name>[^{_SPACE}/>{MARK}][^{_SPACE}/>={MARK}]*)"
    rf"(?:[{_SPACE}]*=[{_SPACE}]*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^{_SPACE}>\"'][^{_SPACE}>]*)|(?=>)))?"
)
_OPEN_VALUE = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*[\"']")
_COMMENT_END = re.compile(r"--!?>")
_RAW_CONTENT = frozenset({"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
_IN_SCRIPT = re.compile(rf"<!--|-->|<(/?)script(?=[{_SPACE}/>{MARK}])", re.IGNORECASE)
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|[A-Za-z][A-Za-z0-9]*(?:;|(?![=A-Za-z0-9])))")


class Attribute(NamedTuple):
    """`text[start:end]` is the value without its quotes. `quoted`: it has some."""

    start: int
    end: int
    quoted: bool


class StartTag(NamedTuple):
    """`name` and the names of the attributes in small letters; of two attributes with one name the first one, as in browsers."""

    name: str
    start: int
    attributes: dict[str, Attribute]


def start_tags(text: str) -> Iterator[StartTag]:
    """Those that a browser would see, in order: not in comments, in scripts and the like; a tag that is never closed is none."""
    place = 0
    while (place := text.find("<", place)) >= 0:
        name = _TAG_NAME.match(text, place + 1)
        if name is None:
            place = _end_of_other(text, place)
            continue
        attributes, end = _attributes(text, name.end())
        if end > len(text):
            return
        tag = StartTag(name[0].lower(), place, attributes)
        yield tag
        place = _end_of_raw(text, end, tag.name) if tag.name in _RAW_CONTENT else end
        if tag.name == "plaintext":
            return


def link_addresses(text: str) -> Iterator[str]:
    """The `http` and `https` addresses that a reader of this HTML can click, in order."""
    for tag in start_tags(text):
        href = tag.attributes.get("href") if tag.name in LINKS else None
        address = decode(text[href.start : href.end]).strip() if href else ""
        if address.lower().startswith(("http://", "https://")):
            yield address


def decode(value: str) -> str:
    """An attribute's value with its character references resolved, once. `&copy=1` is not one: it is the query of an address."""
    return _REFERENCE.sub(_character, value)


def _character(match: re.Match[str]) -> str:
    reference = match[0]
    return html.unescape(reference) if reference[1] == "#" or reference[1:] in html5 else reference


def _attributes(text: str, place: int) -> tuple[dict[str, Attribute], int]:
    """Up to the end of the tag; an end behind that of the text: the tag is never closed."""
    found: dict[str, Attribute] = {}
    while True:
        place = _skip(text, place)
        if place >= len(text):
            return found, len(text) + 1
        if text[place] == ">":
            return found, place + 1
        match = _ATTRIBUTE.match(text, place)
        if match is None or (match.lastgroup == "name" and _OPEN_VALUE.match(text, match.end())):
            return found, len(text) + 1  # a quote that is never closed
        kind = next((kind for kind in ("double", "single", "bare") if match[kind] is not None), None)
        span = match.span(kind) if kind else (match.end(), match.end())
        found.setdefault(match["name"].lower(), Attribute(*span, quoted=kind in ("double", "single")))
        place = match.end()


def _skip(text: str, place: int) -> int:
    match = _BETWEEN.match(text, place)
    return match.end() if match else place


def _end_of_other(text: str, place: int) -> int:
    """Where what begins with this `<` and is no start tag is over."""
    if text.startswith("<!--", place):
        if text.startswith((">", "->"), place + 4):
            return place + 5
        end = _COMMENT_END.search(text, place + 4)
        return end.end() if end else len(text)
    if text.startswith("</", place):
        name = _TAG_NAME.match(text, place + 2)
        if name:
            return _attributes(text, name.end())[1]
    if text.startswith(("<!", "<?", "</"), place):
        end_of_tag = text.find(">", place)
        return end_of_tag + 1 if end_of_tag >= 0 else len(text)
    return place + 1


def _end_of_raw(text: str, place: int, name: str) -> int:
    """The end tag of an element whose content is no markup; without one, the rest is content."""
    if name == "script":
        return _end_of_script(text, place)
    end = re.compile(rf"</{name}(?=[{_SPACE}/>{MARK}])", re.IGNORECASE).search(text, place)
    return end.start() if end else len(text)


def _end_of_script(text: str, place: int) -> int:
    """In a comment of a script, a script inside it has an end tag of its own (13.2.5.15 to 13.2.5.31)."""
    in_comment = in_script = False
    while sign := _IN_SCRIPT.search(text, place):
        place = sign.end()
        if sign[0] == "<!--":
            place -= 2  # its dashes can be those of `-->` as well
            in_comment = True
        elif sign[0] == "-->":
            in_comment = in_script = False
        elif not sign[1]:
            in_script = in_comment
        elif in_script:
            in_script = False
        else:
            return sign.start()
    return len(text)
