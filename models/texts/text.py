"""Text that PostgreSQL can keep. Other text never comes from typing, so it is refused with a sentence."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, TypeAdapter, ValidationError


def storable(text: str) -> str:
    """Raises ValueError for the characters that neither `text` nor `jsonb` can hold: U+0000 and halves of surrogate pairs."""
    if "\x00" in text or not _is_unicode(text):
        raise ValueError("the text contains a character that cannot be stored (U+0000, or half of a surrogate pair)")
    return text


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cut(text: str, limit: int = 500) -> str:
    """Returns a sentence that somebody else wrote (an error, a provider's answer) in a form that can be kept, whatever it
    quotes."""
    return text.replace("\x00", "�").encode(errors="replace").decode()[:limit]


def is_blank(text: str) -> bool:
    """Whether the text is invisible: only spaces, line ends, and characters that have no shape."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)


def _not_blank(text: str) -> str:
    if is_blank(text):
        raise ValueError("there is nothing to read in it: write a name")
    return text


@dataclass(frozen=True)
class Form:
    """Text that fits `pattern`; it comes last in an `Annotated`. Otherwise the error is `sentence`, because a regular expression
    is for programs and belongs into the OpenAPI document only."""

    pattern: str
    sentence: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> Any:
        fit = TypeAdapter(Annotated[str, Field(pattern=self.pattern)])  # so that patterns mean what they mean to Pydantic

        def fitting(text: str) -> str:
            try:
                return fit.validate_python(text)
            except ValidationError:
                raise ValueError(self.sentence) from None

        return AfterValidator(fitting).__get_pydantic_core_schema__(source, handler)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "pattern": self.pattern}


Text = Annotated[str, AfterValidator(storable)]
Name = Annotated[Text, Field(max_length=200), AfterValidator(_not_blank), Field(min_length=1)]
"""What people call a thing."""
