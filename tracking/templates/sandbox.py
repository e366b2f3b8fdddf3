"""Liquid without files and with limits, which bounds what a template can do to the process that renders it."""

import functools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from liquid import Environment, RenderContext
from liquid.ast import BlockNode, Node
from liquid.builtin.output import OutputNode
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.parser import get_parser
from liquid.stream import TokenStream
from liquid.stringify import to_liquid_string
from liquid.tag import Tag
from liquid.token import TOKEN_OUTPUT, TOKEN_TAG, Token

from tracking.links.spelling import FILTER, as_spelled
from tracking.templates.budget import MAX_OUTPUT, Context, Template, size_of
from tracking.templates.equality import use as use_equality
from tracking.templates.filters import ON_TEXT, REPLACED, as_text, texts
from tracking.templates.lexer import tokens

MAX_TEXT = 200_000  # characters that one filter may make

# These tags read other templates, and there are no other templates.
_TAGS_WITHOUT_USE = ("include", "render")
# This filter would turn what a contact typed into markup of an e-mail.
_UNSAFE_FILTER = "safe"


class _Written(OutputNode):
    """Works as the original, but `true` and nil look the same in a list as outside of it."""

    def render_to_output(self, context: RenderContext, buffer: Any) -> int:
        value = self.expression.evaluate(context)
        if isinstance(value, list):
            value = [item if isinstance(item, str) else as_text(item) for item in value]
        return int(buffer.write(to_liquid_string(value, context.autoescape)))


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
    """`{% untracked %}…{% enduntracked %}` marks text for the search for links and leaves no trace in the rendered text."""

    name = "untracked"
    end = "enduntracked"

    def parse(self, stream: TokenStream) -> Node:
        token = stream.eat(TOKEN_TAG)
        block = get_parser(self.env).parse_block(stream, (self.end,))
        stream.expect(TOKEN_TAG, value=self.end)
        return _UntrackedNode(token, block)


class _Environment(Environment):
    template_class = Template
    output_stream_limit = MAX_OUTPUT

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        return tokens

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in _TAGS_WITHOUT_USE:
            del self.tags[name]
        self.add_tag(_UntrackedTag)
        for name in (TOKEN_OUTPUT, "echo"):
            self.tags[name].node_class = _Written  # type: ignore[attr-defined]
        self.filters |= {"url_host": _percent_encode, "url_query": _percent_encode, "url_path": _encode_path, FILTER: as_spelled}
        del self.filters[_UNSAFE_FILTER]
        self.filters |= REPLACED
        self.filters |= {name: texts(self.filters[name]) for name in ON_TEXT}
        self.filters = {name: _limited(name, function) for name, function in self.filters.items()}


def _percent_encode(value: object) -> str:
    """Filters for values inside an address. They are compiled into merge links, see `tracking/templates/merge.py`."""
    return quote(to_liquid_string(value, autoescape=False), safe="")


def _encode_path(value: object) -> str:
    """Keeps slashes, since whole paths are stored as properties. A `..` is refused, because it would lead out of the path that
    the author wrote."""
    text = to_liquid_string(value, autoescape=False)
    if {".", ".."}.intersection(text.split("/")):
        raise FilterArgumentError("a value for an address has a part that is only dots", token=None)
    return quote(text, safe="/")


def _limited(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Filters in a chain could multiply a value without end before it is written anywhere; this limit ends it."""

    @functools.wraps(function)
    def limited(value: Any, *args: Any, context: Context, **kwargs: Any) -> Any:
        context.count_filtered(size_of(value))
        value = context.env.undefined("nil") if value is None else value
        if name.startswith("replace") and len(args) > 1:
            _check_size(str(value).count(str(args[0])) * len(str(args[1])))
        if name == "join" and isinstance(value, list) and args:
            _check_size(len(value) * len(str(args[0])))
        result = function(value, *args, **kwargs)
        size = size_of(result)
        _check_size(size)
        context.count_filtered(size)
        return result

    return with_context(limited)


def _check_size(size: int) -> None:
    if size > MAX_TEXT:
        raise FilterArgumentError(f"the result is longer than {MAX_TEXT:,} characters", token=None)


use_equality()

ENVIRONMENT = _Environment()
HTML_ENVIRONMENT = _Environment(autoescape=True)
"""The same for HTML: every value is escaped, and the template's own text is not."""
