"""Turns Pydantic's errors into the paths and sentences that callers read: the same for a request, a row and a line of a file."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from models.channels.channel import ChannelKind
from models.errors import FieldError
from models.sequences.steps.registry import KINDS
from models.triggers.actions.registry import ACTION_KINDS

# Pydantic adds two parts to the path of an error that no caller wrote: the kind of a step or an action behind its place in the
# list, and of a channel at the beginning, because kinds are the members of a union, and this mark that the name of an entry is
# wrong and not its value.
NAME_OF_ENTRY = "[key]"
FORM_OF_CONDITION = re.compile(r"\([A-Za-z]+\)")
"""How the form of a segment's condition stands in a path: `models/segments/definition.py` says so."""
CHANNEL_KINDS = frozenset(kind.value for kind in ChannelKind)
SOURCES = {"body", "query", "path", "header"}

# Keys are the beginnings of Pydantic's error types, and `{…}` comes from the error's context. All other errors keep Pydantic's
# text.
SENTENCES = {
    ("missing", "union_tag_not_found"): "This field is required.",
    ("extra_forbidden",): "There is no such field.",
    ("union_tag_invalid",): "Write one of {expected_tags}.",
    ("enum", "literal_error"): "Write {expected}.",
    ("string_type",): "This has to be text.",
    ("string_pattern",): "This does not have the form that is needed.",
    ("int_",): "This has to be a whole number.",
    ("bool_",): "This has to be true or false.",
    ("list_type", "tuple_type"): "This has to be a list.",
    ("dict_type", "model_type", "model_attributes_type"): "This has to be an object.",
    ("uuid_",): "This is no id: an id looks like 01890a5d-ac96-774b-bcce-b302099a8057.",
    ("datetime_", "timezone_"): "This has to be a time with its zone, such as 2026-03-01T09:00:00Z.",
    ("time_delta_",): "This has to be a duration, such as P3D, PT30S or a number of seconds.",
    ("greater_than_equal",): "At least {ge} is needed.",
    ("less_than_equal",): "At most {le} can be given.",
}


def field_errors(errors: Sequence[Mapping[str, Any]], whole: str = "body", most: int | None = None) -> list[FieldError]:
    """`whole` is the path of an error that belongs to no single field. Beyond `most` errors, the last one says how many more
    there are."""
    found = [_field_error(error, whole) for error in errors[:most]]
    if len(errors) > len(found):
        found.append(FieldError(whole, f"{len(errors) - len(found):,} more errors are not listed."))
    return found


def _field_error(error: Mapping[str, Any], whole: str) -> FieldError:
    if error["type"] == "json_invalid":
        return FieldError("body", f"This is not JSON: {error['ctx']['error']} (character {error['loc'][-1]}).")
    path = field_path(error["loc"]) or whole
    if error["type"].startswith("union_tag_"):  # Pydantic blames the whole object, not the field that says its kind
        tag = str(error["ctx"]["discriminator"]).strip("'")
        path = tag if len(error["loc"]) == 1 and error["loc"][0] in SOURCES else f"{path}.{tag}"
    return FieldError(path, _sentence(error))


def field_path(location: Sequence[str | int]) -> str:
    """Turns `("body", "steps", 2, "send", "key")` into `steps[2].key`."""
    path = ""
    if location[-1:] == (NAME_OF_ENTRY,):
        location = location[:-1]
    for index, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif (index == 0 and part in SOURCES) or _is_kind(location, index):
            continue
        elif not FORM_OF_CONDITION.fullmatch(part):
            path += f".{part}" if path else part
    return path or "".join(str(part) for part in location[:1])


def _is_kind(location: Sequence[str | int], index: int) -> bool:
    """Whether this part is the kind of the step or of the action whose place in the list stands before it, or that of the channel
    which is the whole body."""
    if index == 1 and location[0] == "body":
        return len(location) > 2 and location[1] in CHANNEL_KINDS
    if not index or not isinstance(location[index - 1], int):
        return False
    within = location[index - 2] if index > 1 else None
    return within != "triggers" and location[index] in (ACTION_KINDS if within == "actions" else KINDS)


def _sentence(error: Mapping[str, Any]) -> str:
    kind, context = error["type"], error.get("ctx", {})
    for beginnings, sentence in SENTENCES.items():
        if kind.startswith(beginnings):
            return sentence.format_map(context)
    if kind.endswith(("too_long", "too_short")):
        return _length(kind, context)
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."


def _length(kind: str, context: Mapping[str, Any]) -> str:
    things = "characters" if context.get("field_type", "Value") == "Value" else "entries"
    if kind.endswith("too_long"):
        return f"At most {context['max_length']:,} {things} are possible."
    return "This is empty." if context["min_length"] == 1 else f"At least {context['min_length']:,} {things} are needed."
