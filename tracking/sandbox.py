"""Liquid without files and with limits: what a template can do to the process that renders it is bounded here."""

import functools
from collections.abc import Callable
from io import StringIO
from typing import Any
from urllib.parse import quote

from liquid import BoundTemplate, Environment, RenderContext
from liquid.ast import BlockNode, Node
from liquid.exceptions import FilterArgumentError
from liquid.output import LimitedStringIO
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.token import TOKEN_TAG

from tracking.spelling import FILTER, as_spelled

MAX_TEXT = 200_000  # characters that one filter may make
MAX_OUTPUT = 500_000  # bytes of one rendered message
MAX_LOOPS = 1_000  # rounds, nested loops multiplied

# They read other templates; there are none to read.
_TAGS_WITHOUT_USE = ("include", "render")
# It would let what a contact typed become markup of an e-mail.
_UNSAFE_FILTER = "safe"


class _UntrackedNode(Node):
    def __init__(self, token: Any, block: BlockNode) -> None:
        super().__init__(token)
        self.block = block
        self.blank = block.blank

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        return self.block.render(context, buffer)

    def children(self, static_context: RenderContext, *, include_partials: bool = True) -> list[Node]:  # noqa: ARG002
        return [self.block]


class _UntrackedTag(Tag):
    """`{% untracked %}…{% enduntracked %}`: a mark for finding links, and nothing when the text is made."""

    name = "untracked"
    end = "enduntracked"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _UntrackedNode(token, block)


class _Buffer(LimitedStringIO):
    """As the original, but line ends stay as they are written."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit, newline="")


class _Context(RenderContext):
    def get_buffer(self, buf: Any = None) -> StringIO:
        return _Buffer(MAX_OUTPUT - (buf.size if isinstance(buf, LimitedStringIO) else 0))


class _Template(BoundTemplate):
    context_class = _Context

    def _get_buffer(self) -> StringIO:
        return _Buffer(MAX_OUTPUT)


class _Environment(Environment):
    template_class = _Template
    loop_iteration_limit = MAX_LOOPS
    local_namespace_limit = MAX_OUTPUT
    output_stream_limit = MAX_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in _TAGS_WITHOUT_USE:
            del self.tags[name]
        self.add_tag(_UntrackedTag)
        self.filters |= {"url_host": _percent_encode, "url_query": _percent_encode, "url_path": _encode_path, FILTER: as_spelled}
        del self.filters[_UNSAFE_FILTER]
        self.filters = {name: _limited(name, function) for name, function in self.filters.items()}


def _percent_encode(value: object) -> str:
    """For values inside an address: compiled into merge links, see `tracking/merge.py`."""
    return quote(to_liquid_string(value, autoescape=False), safe="")


def _encode_path(value: object) -> str:
    """Keeps slashes, since whole paths are stored as properties; `..` would lead out of the place that the author gave them."""
    text = to_liquid_string(value, autoescape=False)
    if {".", ".."}.intersection(text.split("/")):
        raise FilterArgumentError("a value for an address has a part that is only dots", token=None)
    return quote(text, safe="/")


def _limited(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Filters in a chain can multiply a value without end before it is written anywhere; this ends it."""

    @functools.wraps(function)
    def limited(value: Any, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("replace") and len(args) > 1:
            _check_size(str(value).count(str(args[0])) * len(str(args[1])))
        if name == "join" and isinstance(value, list) and args:
            _check_size(len(value) * len(str(args[0])))
        result = function(value, *args, **kwargs)
        _check_size(_size(result))
        return result

    return limited


def _size(value: object) -> int:
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(len(item) if isinstance(item, str) else 1 for item in value)
    return value.bit_length() if isinstance(value, int) else 0


def _check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise FilterArgumentError(f"the result is longer than {MAX_TEXT:,} characters", token=None)


ENVIRONMENT = _Environment()
HTML_ENVIRONMENT = _Environment(autoescape=True)
"""The same for HTML: every value is escaped, the template's own text is not."""
