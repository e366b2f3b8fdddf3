"""What Pydantic found wrong, as paths and sentences."""

from datetime import timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter, ValidationError

from models.errors import FieldError
from models.field_errors import field_errors, field_path
from models.sequences.steps.base import Duration
from models.sequences.steps.registry import KINDS, Step


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("body",), "body"),
        (("body", "name"), "name"),
        (("query", "limit"), "limit"),
        (("body", "steps", 2, "wait_for_click", "on_click"), "steps[2].on_click"),
        (("body", "steps", 0, "send", "message", "links", "send"), "steps[0].message.links.send"),
        (("body", "triggers", 1, "actions", 0, "enroll", "sequence_id"), "triggers[1].actions[0].sequence_id"),
        (("body", "steps", 0, "send", "triggers", 0, "send"), "steps[0].triggers[0].send"),
        (("body", "tags", 1), "tags[1]"),
        (("body", "message", "links", "Big Offer", "[key]"), "message.links.Big Offer"),
        (("body", 3, "email"), "[3].email"),
    ],
)
def test_a_path_is_written_as_the_caller_wrote_the_request(location: tuple[str | int, ...], path: str) -> None:
    assert field_path(location) == path


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"key": "a"}, "This field is required."),
        ({"kind": "dance", "key": "a"}, f"Write one of {', '.join(map(repr, KINDS))}."),
    ],
)
def test_a_step_without_a_known_kind_is_told_the_kinds(step: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(list[Step]).validate_python([step])
    assert field_errors(refused.value.errors()) == [FieldError("[0].kind", sentence)]


@pytest.mark.parametrize(
    ("wanted", "given", "sentence"),
    [
        (str, 1, "This has to be text."),
        (Annotated[str, Field(max_length=2)], "abc", "At most 2 characters are possible."),
        (Annotated[str, Field(min_length=1)], "", "This is empty."),
        (Annotated[str, Field(pattern="^[a-z]+$")], "A", "This does not have the form that is needed."),
        (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "At most 2 entries are possible."),
        (Annotated[list[int], Field(min_length=2)], [1], "At least 2 entries are needed."),
        (int, "many", "This has to be a whole number."),
        (int, 1.5, "This has to be a whole number."),
        (Annotated[int, Field(ge=1)], 0, "At least 1 is needed."),
        (Annotated[int, Field(le=500)], 501, "At most 500 can be given."),
        (Duration, "P367D", "At most 366 days can be given."),
        (Duration, 0, "At least 1 second is needed."),
        (bool, "maybe", "This has to be true or false."),
        (list[str], "a", "This has to be a list."),
        (dict[str, str], [], "This has to be an object."),
        (BaseModel, "a", "This has to be an object."),
        (UUID, "x", "This is no id: an id looks like 01890a5d-ac96-774b-bcce-b302099a8057."),
        (UUID, 7, "This is no id: an id looks like 01890a5d-ac96-774b-bcce-b302099a8057."),
        (AwareDatetime, "soon", "This has to be a time with its zone, such as 2026-03-01T09:00:00Z."),
        (AwareDatetime, "2026-03-01T09:00:00", "This has to be a time with its zone, such as 2026-03-01T09:00:00Z."),
        (timedelta, "later", "This has to be a duration, such as P3D, PT30S or a number of seconds."),
        (Literal["sms", "email"], "fax", "Write 'sms' or 'email'."),
    ],
)
def test_what_is_wrong_is_said_in_words_of_ours(wanted: Any, given: Any, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(wanted).validate_python(given)
    assert [error.message for error in field_errors(refused.value.errors())] == [sentence]
