"""What Pydantic found wrong, as the paths and sentences that callers read: the same for a request, a row and a line of a file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from models.errors import FieldError

# Pydantic names the member of a union in the path of an error; a caller did not write that word.
UNION_MEMBERS = {"send", "wait", "wait_for_click", "end"}
SOURCES = {"body", "query", "path", "header"}


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
    for index, part in enumerate(location):
        if isinstance(part, int):
            path += f"[{part}]"
        elif (index == 0 and part in SOURCES) or (path.endswith("]") and part in UNION_MEMBERS):
            continue
        else:
            path += f".{part}" if path else part
    return path or "".join(str(part) for part in location[:1])


def _sentence(error: Mapping[str, Any]) -> str:
    if error["type"] in {"missing", "union_tag_not_found"}:
        return "This field is required."
    if error["type"] == "extra_forbidden":
        return "There is no such field."
    if error["type"] == "union_tag_invalid":
        return f"Write one of {error['ctx']['expected_tags']}."
    text = str(error["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
