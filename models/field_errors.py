"""What Pydantic found wrong, as the paths and sentences that callers read: the same for a request, a row and a line of a file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.errors import FieldError

# Words that Pydantic adds to the path of an error, and no caller wrote: the member of a union, and that the name of an entry is
# wrong, not its value.
UNION_MEMBERS = {"send", "wait", "wait_for_click", "end"}
NAME_OF_ENTRY = "[key]"
SOURCES = {"body", "query", "path", "header"}

# By the beginnings of Pydantic's error types; everything else keeps its own words. `{…}` is of the error's context.
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


def field_errors(errors: Iterable[Mapping[str, Any]], whole: str = "body") -> list[FieldError]:
    """`whole` is the path of an error that belongs to no single field."""
    return [_field_error(error, whole) for error in errors]


def _field_error(error: Mapping[str, Any], whole: str) -> FieldError:
    if error["type"] == "json_invalid":
        return FieldError("body", f"This is not JSON: {error['ctx']['error']} (character {error['loc'][-1]}).")
    path = field_path(error["loc"]) or whole
    if error["type"].startswith("union_tag_"):  # Pydantic blames the whole object, not the field that says its kind
        path += "." + str(error["ctx"]["discriminator"]).strip("'")
    return FieldError(path, _sentence(error))


def field_path(location: Sequence[str | int]) -> str:
    """`("body", "steps", 2, "send", "key")` → `steps[2].key`."""
    path = ""
    if location[-1:] == (NAME_OF_ENTRY,):
        location = location[:-1]
    for index, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif (index == 0 and part in SOURCES) or (path.endswith("]") and part in UNION_MEMBERS):
            continue
        else:
            path += f".{part}" if path else part
    return path or "".join(str(part) for part in location[:1])


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
