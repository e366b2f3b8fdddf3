"""The form that a text has to have, said in a sentence."""

from typing import Annotated

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from models.errors import FieldError
from models.field_errors import field_errors
from models.texts.text import Form

SHOUT = TypeAdapter(Annotated[str, Field(max_length=5), Form("^[A-Z]+$", "Write capital letters.")])


def test_a_text_of_the_form_passes() -> None:
    assert SHOUT.validate_python("HELLO") == "HELLO"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("hi", "Write capital letters."),
        ("HI\n", "Write capital letters."),
        ("", "Write capital letters."),
        ("HELLO!", "At most 5 characters are possible."),
        (5, "This has to be text."),
    ],
)
def test_a_text_of_another_form_is_told_in_a_sentence(text: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SHOUT.validate_python(text)
    assert field_errors(refused.value.errors()) == [FieldError("body", sentence)]


def test_programs_are_told_the_pattern() -> None:
    schemas = [SHOUT.json_schema(mode=mode) for mode in ("validation", "serialization")]
    assert schemas == [{"type": "string", "maxLength": 5, "pattern": "^[A-Z]+$"}] * 2
