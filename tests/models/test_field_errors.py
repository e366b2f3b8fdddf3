"""What Pydantic found wrong, as paths and sentences."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from models.errors import FieldError
from models.field_errors import UNION_MEMBERS, field_errors, field_path
from models.steps import Step


def test_every_kind_of_step_is_left_out_of_paths() -> None:
    members = get_args(get_args(Step)[0])
    assert {member.model_fields["kind"].default for member in members} == UNION_MEMBERS


@pytest.mark.parametrize(
    ("location", "path"),
    [
        (("body",), "body"),
        (("body", "name"), "name"),
        (("query", "limit"), "limit"),
        (("body", "steps", 2, "wait_for_click", "on_click"), "steps[2].on_click"),
        (("body", "steps", 0, "send", "message", "links", "send"), "steps[0].message.links.send"),
        (("body", "tags", 1), "tags[1]"),
        (("body", 3, "email"), "[3].email"),
    ],
)
def test_a_path_is_written_as_the_caller_wrote_the_request(location: tuple[str | int, ...], path: str) -> None:
    assert field_path(location) == path


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"key": "a"}, "This field is required."),
        ({"kind": "dance", "key": "a"}, "Write one of 'send', 'wait', 'wait_for_click', 'end'."),
    ],
)
def test_a_step_without_a_known_kind_is_told_the_kinds(step: dict[str, str], sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(list[Step]).validate_python([step])
    assert field_errors(refused.value.errors()) == [FieldError("[0].kind", sentence)]
