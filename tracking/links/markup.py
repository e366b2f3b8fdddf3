"""Reads HTML as browsers do, with the position of everything: just enough to find the addresses of links.

It follows the tokenizer of the HTML standard (13.2.5) for tags, attributes, comments and elements whose content is not markup.
Nothing is written back, so wrong markup stays exactly as it was.
"""

import html
import re
import sys
from collections.abc import Iterator
from html.entities import html5
from typing import NamedTuple

from tracking.links.foreign import ForeignContent

MARK = "\x00"
"""Stands for what a template puts or does at this position. It matches no character of a tag or an attribute."""

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
_NUMBER = re.compile(r"&#(?:[0-9]+|[xX][0-9A-Fa-f]+)")
_MOST_DIGITS = 8
_REFERENCE = re.compile(r"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|[A-Za-z][A-Za-z0-9]*(?:;|(?![=A-Za-z0-9])))")


class Attribute(NamedTuple):
    """`text[start:end]` is the value without its quotes. `quoted` says whether it has quotes."""

    start: int
    end: int
    quoted: bool


class StartTag(NamedTuple):
    """A start tag. `name` and the names of the attributes are in lower case. Of two attributes with one name the first one
    counts, as in browsers.

    `closed` says that the tag ends with `/>`, which has a meaning in SVG and MathML only.
    """

    name: str
    start: int
    attributes: dict[str, Attribute]
    closed: bool = False


def start_tags(text: str) -> Iterator[StartTag]:
    """Yields the tags that a browser would see, in order. Tags in comments, scripts and the like are left out, and an unclosed
    tag is ignored."""
    place, foreign = 0, ForeignContent()
    while (place := text.find("<", place)) >= 0:
        name = _TAG_NAME.match(text, place + 1)
        if name is None:
            place = _end_of_other(text, place, foreign)
            continue
        attributes, end, closed = _attributes(text, name.end())
        if end > len(text):
            return
        tag = StartTag(name[0].lower(), place, attributes, closed)
        yield tag
        if tag.name == "plaintext" and not foreign:
            return
        place = _end_of_raw(text, end, tag.name) if tag.name in _RAW_CONTENT and not foreign else end
        encoding = attributes.get("encoding")
        foreign.open(tag.name, closed, text[encoding.start : encoding.end] if encoding else "")


def link_addresses(text: str) -> Iterator[str]:
    """Returns the `http` and `https` addresses that a reader of this HTML can click, in order."""
    for tag in start_tags(text):
        href = tag.attributes.get("href") if tag.name in LINKS else None
        address = decode(text[href.start : href.end]).strip() if href else ""
        if address.lower().startswith(("http://", "https://")):
            yield address


def decode(value: str) -> str:
    """Returns an attribute's value with its character references resolved once. `&copy=1` is not a reference, because it is the
    query of an address."""
    return _REFERENCE.sub(_character, value)


def impossible_reference(value: str) -> int | None:
    """Returns the position in the value at which a number stands for no character at all, so that a browser shows U+FFFD."""
    found = (match.start() for match in _NUMBER.finditer(value) if _number(match[0]) > sys.maxunicode)
    return next(found, None)


def _character(match: re.Match[str]) -> str:
    """Resolves a number as the HTML standard says (13.2.5.80 to 13.2.5.84), whatever the number is."""
    reference = match[0]
    if reference[1] != "#":
        return html.unescape(reference) if reference[1:] in html5 else reference
    number = _number(reference)
    if number == 0 or number > sys.maxunicode or 0xD800 <= number <= 0xDFFF:
        return "\ufffd"
    return html.unescape(f"&#{number};") if 0x80 <= number <= 0x9F else chr(number)


def _number(reference: str) -> int:
    """Reads the number of `&#…` and `&#x…`. A number with more digits than any character has is not read further."""
    digits = reference[2:].rstrip(";")
    base = 16 if digits[0] in "xX" else 10
    return int(digits.lstrip("xX").lstrip("0")[:_MOST_DIGITS] or "0", base)


def _attributes(text: str, place: int) -> tuple[dict[str, Attribute], int, bool]:
    """Reads up to the end of the tag, and whether that is `/>`. An end behind the end of the text means that the tag is never
    closed."""
    found: dict[str, Attribute] = {}
    while True:
        last, place = place, _skip(text, place)
        if place >= len(text):
            return found, len(text) + 1, False
        if text[place] == ">":
            return found, place + 1, place > last and text[place - 1] == "/"
        match = _ATTRIBUTE.match(text, place)
        if match is None or (match.lastgroup == "name" and _OPEN_VALUE.match(text, match.end())):
            return found, len(text) + 1, False  # the quote is never closed
        kind = next((kind for kind in ("double", "single", "bare") if match[kind] is not None), None)
        span = match.span(kind) if kind else (match.end(), match.end())
        found.setdefault(match["name"].lower(), Attribute(*span, quoted=kind in ("double", "single")))
        place = match.end()


def _skip(text: str, place: int) -> int:
    match = _BETWEEN.match(text, place)
    return match.end() if match else place


def _end_of_other(text: str, place: int, foreign: ForeignContent) -> int:
    """Returns the end of a construct that begins with this `<` and is not a start tag."""
    if text.startswith("<!--", place):
        if text.startswith((">", "->"), place + 4):
            return place + 5
        end = _COMMENT_END.search(text, place + 4)
        return end.end() if end else len(text)
    if text.startswith("</", place):
        name = _TAG_NAME.match(text, place + 2)
        if name:
            foreign.close(name[0].lower())
            return _attributes(text, name.end())[1]
    if foreign and text.startswith("<![CDATA[", place):
        end_of_data = text.find("]]>", place)
        return end_of_data + 3 if end_of_data >= 0 else len(text)
    if text.startswith(("<!", "<?", "</"), place):
        end_of_tag = text.find(">", place)
        return end_of_tag + 1 if end_of_tag >= 0 else len(text)
    return place + 1


def _end_of_raw(text: str, place: int, name: str) -> int:
    """Returns the end tag of an element whose content is not markup. Without one, the rest of the text is content."""
    if name == "script":
        return _end_of_script(text, place)
    end = re.compile(rf"</{name}(?=[{_SPACE}/>{MARK}])", re.IGNORECASE).search(text, place)
    return end.start() if end else len(text)


def _end_of_script(text: str, place: int) -> int:
    """Inside a comment of a script, a nested script has an end tag of its own (13.2.5.15 to 13.2.5.31)."""
    in_comment = in_script = False
    while sign := _IN_SCRIPT.search(text, place):
        place = sign.end()
        if sign[0] == "<!--":
            place -= 2  # the dashes of `<!--` can also be those of `-->`
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
