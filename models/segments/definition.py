"""The language of segments: conditions on a contact, combined by `all`, `any` and `not`. It is data, so a program can write it.

`{"all": [{"kind": "tags", "tags": ["vip"]}, {"not": {"kind": "clicked", "campaign_id": "…"}}]}`
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag, TypeAdapter

from models.segments.kinds.address import AddressCondition
from models.segments.kinds.base import Leaf, Reference
from models.segments.kinds.clicked import ClickedCondition
from models.segments.kinds.clicks import ClicksCondition
from models.segments.kinds.consent import ConsentCondition
from models.segments.kinds.created_at import CreatedAtCondition
from models.segments.kinds.field import FieldCondition
from models.segments.kinds.last_click import LastClickCondition
from models.segments.kinds.property import PropertyCondition
from models.segments.kinds.received import ReceivedCondition
from models.segments.kinds.replied import RepliedCondition
from models.segments.kinds.tags import TagsCondition
from models.segments.values import Values
from models.sequences.steps.base import Frozen

MAX_CONDITIONS = 50
"""The most conditions in a definition, groups included."""
MAX_DEPTH = 6
"""How many groups may stand in each other."""
MAX_ALTERNATIVES = 20
"""The most pages of which a statement puts one together."""


def _some(value: Any) -> Any:
    """Refuses an empty list before its entries are read: Pydantic would call a list empty whose entries are all wrong."""
    if isinstance(value, list | tuple) and not value:
        raise ValueError("Give at least one condition")
    return value


class AllOf(Frozen):
    """Every one of the conditions holds."""

    all: Annotated["tuple[Condition, ...]", BeforeValidator(_some), Field(json_schema_extra={"minItems": 1})]

    def sql(self, values: Values) -> str:
        return " AND ".join(f"({each.sql(values)})" for each in self.all)

    def within(self) -> "Iterator[tuple[str, Condition]]":
        return ((f"all[{place}]", each) for place, each in enumerate(self.all))


class AnyOf(Frozen):
    """At least one of the conditions holds."""

    any: Annotated["tuple[Condition, ...]", BeforeValidator(_some), Field(json_schema_extra={"minItems": 1})]

    def sql(self, values: Values) -> str:
        return " OR ".join(f"({each.sql(values)})" for each in self.any)

    def within(self) -> "Iterator[tuple[str, Condition]]":
        return ((f"any[{place}]", each) for place, each in enumerate(self.any))


class NotOf(Frozen):
    """The condition does not hold."""

    not_: "Condition" = Field(alias="not")

    def sql(self, values: Values) -> str:
        return f"NOT ({self.not_.sql(values)})"

    def within(self) -> "Iterator[tuple[str, Condition]]":
        return iter([("not", self.not_)])


# Groups by the field that makes them one, and all other conditions by their `kind`.
FORMS: dict[str, type[Frozen]] = {
    "all": AllOf,
    "any": AnyOf,
    "not": NotOf,
    "clicked": ClickedCondition,
    "clicks": ClicksCondition,
    "consent": ConsentCondition,
    "created_at": CreatedAtCondition,
    "field": FieldCondition,
    "has_email": AddressCondition,
    "has_phone": AddressCondition,
    "last_click": LastClickCondition,
    "not_clicked": ClickedCondition,
    "property": PropertyCondition,
    "received": ReceivedCondition,
    "replied": RepliedCondition,
    "tags": TagsCondition,
}
GROUPS = ("all", "any", "not")


def _mark(form: type[Frozen]) -> str:
    """What Pydantic adds to the path of an error inside a condition of this form. `models/field_errors.py` leaves it out."""
    return f"({form.__name__})"


def _mark_of(value: Any) -> str | None:
    """Returns the mark of the form that a condition is written in, or None for something else."""
    if isinstance(value, Frozen):
        return _mark(type(value))
    if not isinstance(value, Mapping):
        return None
    found = next((group for group in GROUPS if group in value), value.get("kind"))
    return _mark(FORMS[found]) if isinstance(found, str) and found in FORMS else None


_KINDS = ", ".join(form for form in FORMS if form not in GROUPS)
_UNKNOWN = f"This is not a condition: write an object with all, any or not, or with a kind, which is one of {_KINDS}"

Condition = Annotated[
    Annotated[AllOf, Tag(_mark(AllOf))]
    | Annotated[AnyOf, Tag(_mark(AnyOf))]
    | Annotated[NotOf, Tag(_mark(NotOf))]
    | Annotated[ClickedCondition, Tag(_mark(ClickedCondition))]
    | Annotated[ClicksCondition, Tag(_mark(ClicksCondition))]
    | Annotated[ConsentCondition, Tag(_mark(ConsentCondition))]
    | Annotated[CreatedAtCondition, Tag(_mark(CreatedAtCondition))]
    | Annotated[FieldCondition, Tag(_mark(FieldCondition))]
    | Annotated[AddressCondition, Tag(_mark(AddressCondition))]
    | Annotated[LastClickCondition, Tag(_mark(LastClickCondition))]
    | Annotated[PropertyCondition, Tag(_mark(PropertyCondition))]
    | Annotated[ReceivedCondition, Tag(_mark(ReceivedCondition))]
    | Annotated[RepliedCondition, Tag(_mark(RepliedCondition))]
    | Annotated[TagsCondition, Tag(_mark(TagsCondition))],
    Discriminator(_mark_of, custom_error_type="condition_unknown", custom_error_message=_UNKNOWN),
]


def _bounded(value: Any) -> Any:
    """Counts conditions before they are read, so that a hundred thousand wrong ones are one error."""
    level, depth, count = [value], 0, 0
    while level:
        count += len(level)
        if count > MAX_CONDITIONS:
            raise ValueError(f"a definition may have {MAX_CONDITIONS} conditions, groups included: make several segments")
        if depth > MAX_DEPTH:
            raise ValueError(f"groups may be nested {MAX_DEPTH} deep: write the definition flatter")
        level, depth = [inner for each in level for inner in _inner(each)], depth + 1
    return value


def _inner(value: Any) -> list[Any]:
    found = []
    for group in GROUPS if isinstance(value, Mapping) else ():
        inner = value.get(group, [])
        found += inner if isinstance(inner, list) else [inner]
    return found


Definition = Annotated[Condition, BeforeValidator(_bounded)]
"""A whole definition, which is one condition of any form."""

_DEFINITION: TypeAdapter[Condition] = TypeAdapter(Definition)


def read_definition(kept: Mapping[str, Any]) -> "Condition":
    """Reads what `as_json` has written."""
    return _DEFINITION.validate_python(kept)


def as_json(definition: "Condition") -> dict[str, Any]:
    """The definition as its author wrote it, with keys and tags in their normal form."""
    written: dict[str, Any] = _DEFINITION.dump_python(definition, mode="json", by_alias=True)
    return written


def references(definition: "Condition", path: str = "definition") -> Iterator[tuple[str, Reference]]:
    """What the definition names, each with the path of the condition that names it."""
    if isinstance(definition, Leaf):
        yield from ((path, each) for each in definition.references())
        return
    for place, inner in definition.within():
        yield from references(inner, f"{path}.{place}")


def alternatives(definition: "Condition") -> "list[Condition]":
    """Conditions of which any has to hold, if an index finds the people of each, so that a page comes from those indexes.
    Otherwise, or if there are more than MAX_ALTERNATIVES, the definition itself."""
    found = list(_alternatives(definition))
    indexed = len(found) <= MAX_ALTERNATIVES and all(any(part.has_index() for part in leaves(each)) for each in found)
    return found if indexed else [definition]


def _alternatives(definition: "Condition") -> "Iterator[Condition]":
    if isinstance(definition, AnyOf):
        for inner in definition.any:
            yield from _alternatives(inner)
    elif isinstance(definition, TagsCondition) and definition.has == "any":
        yield from definition.each()
    else:
        yield definition


def parts(definition: "Condition") -> "list[Condition]":
    """Conditions that all have to hold: those of groups in `all`, and the first of tags that are all wanted, by itself."""
    if isinstance(definition, AllOf):
        return [each for inner in definition.all for each in parts(inner)]
    if isinstance(definition, TagsCondition) and definition.has == "all" and len(definition.tags) > 1:
        return [definition.each()[0], definition]
    return [definition]


def leaves(definition: "Condition") -> list[Leaf]:
    """Those of the parts that are no groups."""
    return [each for each in parts(definition) if isinstance(each, Leaf)]
