"""Message templates: Liquid without files, with limits, and with the closed set of merge fields in `docs/templates.md`."""

import functools
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from liquid import BoundTemplate, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.arguments import KeywordArgument
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import IntegerLiteral, RangeLiteral
from liquid.exceptions import LiquidError, ResourceLimitError
from liquid.expression import Expression
from liquid.static_analysis import TemplateAnalysis, Variable

from tracking.templates.budget import MAX_LOOPS, MAX_OUTPUT, together
from tracking.templates.sandbox import ENVIRONMENT, HTML_ENVIRONMENT
from tracking.templates.source import Kind, SourceError, line_and_column, pieces

MAX_SOURCE = 200_000  # characters

SOMEBODY: Mapping[str, Any] = {
    "id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "external_id": "ada",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "email": "ada@example.com",
    "phone": "+15555550123",
    "time_zone": "Europe/London",
    "tags": ["customer"],
    "properties": {},
}
CONTACT_FIELDS = frozenset(SOMEBODY)
ORGANIZATION_FIELDS = frozenset({"name"})
ENROLLMENT_FIELDS = frozenset({"variables"})
UNSUBSCRIBE = "unsubscribe_url"
LINKS = "links"
TRACKED_LINKS = "tracked_links"  # in compiled templates only
MERGE_FIELDS = frozenset({"contact", "organization", "enrollment", LINKS, UNSUBSCRIBE})
RESERVED = MERGE_FIELDS | {TRACKED_LINKS}


class TemplateError(SourceError):
    """The template is not valid, or could not be filled in for this contact."""


class TooMuch(TemplateError):
    """A rendering would go beyond its budget of loops, steps or output. See `tracking/templates/budget.py`."""


def check_template(source: str, extra: Collection[str] = ()) -> None:
    """Raises TemplateError for wrong Liquid, an unknown merge field or a reserved name. `extra` are further fields that `render`
    gets."""
    for variable in outer_variables(source):
        _check_field(source, variable, extra)


def render(
    source: str,
    *,
    contact: Mapping[str, Any],
    tracked_links: Sequence[str] = (),
    organization: Mapping[str, Any] | None = None,
    enrollment: Mapping[str, Any] | None = None,
    unsubscribe_url: str = "",
    extra: Mapping[str, Any] | None = None,
    html: bool = False,
) -> str:
    """Returns the text for one contact; unknown values are left empty. Raises TemplateError when a filter or a limit objects.

    `source` is a compiled template, in which `tracked_links[N]` is the address for the link at position N. It is parsed once and
    remembered. `extra` are further merge fields, which cannot replace the documented ones. With `html`, values are escaped.
    """
    values = {
        **(extra or {}),
        "contact": contact,
        "organization": organization or {},
        "enrollment": enrollment or {},
        UNSUBSCRIBE: unsubscribe_url,
        TRACKED_LINKS: tracked_links,
    }
    template = parse(source, html)
    try:
        return template.render(values)
    except LiquidError as error:
        _refuse(source, error)
    except (
        Exception
    ) as error:  # a filter met a value that it was not written for, which the author has to know and which is not a crash
        raise TemplateError(f"The template could not be filled in: {error}") from error


def check_rendering(source: str, *, html: bool = False, tracked_links: Sequence[str] = (), unsubscribe_url: str = "") -> None:
    """Raises TooMuch when the text would go beyond the budget of a rendering for an average contact, and so for everybody.

    Whatever else can go wrong depends on what a contact's fields hold and is found when a message is composed.
    """
    try:
        with together():
            render(
                source,
                contact=SOMEBODY,
                organization={"name": "Example"},
                tracked_links=tracked_links,
                unsubscribe_url=unsubscribe_url,
                html=html,
            )
    except TooMuch as error:
        size = len(source.encode(errors="replace"))
        more = f" As written, it has {size:,} bytes." if size > MAX_OUTPUT else ""
        raise TooMuch(error.message + more, error.line, error.column) from error
    except TemplateError:
        parse(source, html)


@functools.lru_cache(maxsize=512)
def parse(source: str, html: bool = False) -> BoundTemplate:
    """Checks syntax, size and reserved names, but not merge fields."""
    if html:  # both environments parse in the same way, and only writing depends on the one to which a template is bound
        return HTML_ENVIRONMENT.template_class(env=HTML_ENVIRONMENT, nodes=parse(source).nodes)
    if len(source) > MAX_SOURCE:
        raise TemplateError(f"The template is {len(source):,} characters long; at most {MAX_SOURCE:,} are possible.")
    try:
        template = ENVIRONMENT.from_string(source)
    except LiquidError as error:
        _refuse(source, error)
    context = RenderContext(template)
    for node in _nodes(template.nodes, context):
        _check_names(source, node)
        for expression in node.expressions():
            _check_expression(source, expression)
    return template


def outer_variables(source: str) -> list[Variable]:
    """Returns each use of a variable that the template takes from outside, and not those that its own tags assign or loop
    over."""
    found = analysis(source)
    return [variable for root, uses in found.globals.items() if root not in found.locals for variable in uses]


@functools.lru_cache(maxsize=64)
def analysis(source: str) -> TemplateAnalysis:
    """Returns all variables of the template. The result is remembered, because a text is looked at from several sides in a
    row."""
    return parse(source).analyze()


def error_at(source: str, index: int, message: str) -> TemplateError:
    return TemplateError(message, *line_and_column(source, index))


def _check_field(source: str, variable: Variable, extra: Collection[str]) -> None:
    root = str(variable.segments[0])
    if root not in MERGE_FIELDS and root not in extra:
        known = ", ".join(sorted(MERGE_FIELDS | set(extra)))
        raise error_at(source, variable.span.index, f"there is no merge field {root}; known are: {known}.")
    known_fields = {"contact": CONTACT_FIELDS, "organization": ORGANIZATION_FIELDS, "enrollment": ENROLLMENT_FIELDS}
    fields = known_fields.get(root)
    name = variable.segments[1] if len(variable.segments) > 1 else None
    if fields and isinstance(name, str) and name not in fields:
        known = ", ".join(sorted(fields))
        raise error_at(source, variable.span.index, f"there is no merge field {root}.{name}; known for {root} are: {known}.")


def _check_names(source: str, node: Node) -> None:
    for name in (*node.template_scope(), *node.block_scope()):
        if name in RESERVED:
            # The names that a block tag brings with it have no position of their own.
            index = getattr(getattr(name, "token", None), "start_index", node.token.start_index)
            raise error_at(source, index, f"the name {name} is reserved; choose another one.")


def _check_expression(source: str, expression: Expression) -> None:
    if isinstance(expression, RangeLiteral):
        _check_range(source, expression)
    for used in getattr(expression, "filters", None) or ():
        _check_filter(source, used)
    for child in expression.children():
        _check_expression(source, child)


def _check_range(source: str, numbers: RangeLiteral) -> None:
    """Refuses long ranges: a range is a list as long as its author likes, made before any limit looks at it."""
    start, stop = numbers.start, numbers.stop
    if not (isinstance(start, IntegerLiteral) and isinstance(stop, IntegerLiteral)):
        raise error_at(source, numbers.token.start_index, "a range can only go from one whole number to another.")
    if stop.value - start.value >= MAX_LOOPS:
        raise error_at(source, numbers.token.start_index, f"a range can have at most {MAX_LOOPS:,} numbers.")


def _check_filter(source: str, used: Filter) -> None:
    """Refuses what python-liquid would only notice when the message is sent."""
    function = ENVIRONMENT.filters.get(used.name)
    if function is None:
        raise error_at(source, used.token.start_index, f"there is no filter {used.name}.")
    given = {"environment": None} if hasattr(function, "with_environment") else {}
    given.update({argument.name: None for argument in used.args if isinstance(argument, KeywordArgument)})
    positional = [None for argument in used.args if not isinstance(argument, KeywordArgument)]
    try:
        inspect.signature(function).bind(None, *positional, **given)
    except TypeError as error:
        raise error_at(source, used.token.start_index, f"the filter {used.name} has wrong arguments: {error}.") from error


def _nodes(nodes: Sequence[Node], context: RenderContext) -> Iterator[Node]:
    for node in nodes:
        yield node
        yield from _nodes(list(node.children(context, include_partials=False)), context)


def _refuse(source: str, error: LiquidError) -> NoReturn:
    index = error.token.start_index if error.token and error.token.source == source else -1
    if index < 0:
        index = _find_culprit(source)
    kind = TooMuch if isinstance(error, ResourceLimitError) else TemplateError
    raise kind(f"{error.message or 'the template is not valid'}.", *line_and_column(source, index)) from error


def _find_culprit(source: str) -> int:
    """Finds the position of an error for which python-liquid names none: a piece that fails by itself, or an unclosed block."""
    open_blocks: list[tuple[str, int]] = []
    for piece in pieces(source):
        if piece.kind is Kind.TAG:
            if open_blocks and piece.inner == open_blocks[-1][0]:
                open_blocks.pop()
            elif end := _block_end(piece.inner):
                open_blocks.append((end, piece.start))
        if piece.kind in (Kind.TAG, Kind.OUTPUT) and _fails_alone(source[piece.start : piece.end], piece.inner):
            return piece.start
    return open_blocks[-1][1] if open_blocks else 0


def _fails_alone(text: str, name: str) -> bool:
    end = _block_end(name)
    try:
        ENVIRONMENT.from_string(text + ("{% " + end + " %}" if end else ""))
    except LiquidError as error:
        return error.token is None or error.token.start_index < 0
    return False


def _block_end(tag_name: str) -> str:
    """Returns the tag that closes this one, or an empty text for a tag that opens nothing."""
    tag = ENVIRONMENT.tags.get(tag_name)
    return str(getattr(tag, "end", "")) if tag and tag.block else ""
