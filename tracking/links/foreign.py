"""SVG and MathML inside HTML, where elements can close themselves and no element hides its content (13.2.6.5 of the standard)."""

from collections import Counter

_ROOTS = frozenset({"svg", "math"})
# Inside these, a browser reads HTML again.
_HTML_AGAIN = {
    "svg": frozenset({"foreignobject", "desc", "title"}),
    "math": frozenset({"mi", "mo", "mn", "ms", "mtext"}),
}
_ANNOTATION = "annotation-xml"
_HTML_ENCODINGS = frozenset({"text/html", "application/xhtml+xml"})
# Elements that a browser never puts into SVG or MathML: these elements end it.
_HTML_ONLY = frozenset(
    {
        *(
            "b",
            "big",
            "blockquote",
            "body",
            "br",
            "center",
            "code",
            "dd",
            "div",
            "dl",
            "dt",
            "em",
            "embed",
            "h1",
            "h2",
            "h3",
            "h4",
        ),
        *("h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol", "p", "pre", "ruby", "s", "small"),
        *("span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var"),
    }
)


class ForeignContent:
    """Tells, from the tags read so far, whether the current position is inside SVG or MathML. It is true when it is inside."""

    def __init__(self) -> None:
        self._open: list[str] = []  # roots, and the elements in them that hold HTML
        self._count: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._open) and self._open[-1] in _ROOTS

    def open(self, name: str, closed: bool, encoding: str = "") -> None:
        """Reads a start tag. `closed` says that it ends with `/>`; `encoding` is that attribute's value, if the tag has it."""
        if self and name in _HTML_ONLY:
            self._leave()
        elif closed and (self or name in _ROOTS):
            return
        elif name in _ROOTS or (self and self._holds_html(name, encoding)):
            self._open.append(name)
            self._count[name] += 1

    def close(self, name: str) -> None:
        """Reads an end tag."""
        if self and name in ("p", "br"):
            self._leave()
        elif self._count[name]:
            while self._pop() != name:
                pass

    def _leave(self) -> None:
        while self:
            self._pop()

    def _pop(self) -> str:
        name = self._open.pop()
        self._count[name] -= 1
        return name

    def _holds_html(self, name: str, encoding: str) -> bool:
        if name == _ANNOTATION:
            return encoding.strip().lower() in _HTML_ENCODINGS
        return name in _HTML_AGAIN[self._open[-1]]
