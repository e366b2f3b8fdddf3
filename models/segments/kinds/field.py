"""A text field of a contact, such as its first name."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from models.contacts.input import normal_email, normal_external_id
from models.contacts.phone import normal_phone
from models.segments.kinds.base import Comparison, optional
from models.segments.values import Values
from models.texts.text import Text

Value = Annotated[Text, Field(min_length=1, max_length=500)]

KEPT_FORMS: dict[str, Callable[[str], str]] = {
    "email": normal_email,
    "phone": lambda text: normal_phone(text, None),
    "external_id": normal_external_id,
}
"""How the keys of a contact are written where they are kept. A value is compared in this form."""


class FieldCondition(Comparison):
    """Compares a text field. A field without a value equals and contains nothing, so it is `not_equals` to everything."""

    kind: Literal["field"]
    name: Literal["first_name", "last_name", "email", "phone", "external_id", "time_zone"]
    equals: Value | None = optional(description="Exactly this text.", examples=["Ada"])
    not_equals: Value | None = optional(description="Any other text, or none at all.")
    contains: Value | None = optional(description="Has this text in it, in upper or lower case.")
    exists: bool | None = optional(strict=True, description="true: it has a value. false: it has none.")

    @field_validator("equals", "not_equals")
    @classmethod
    def _as_kept(cls, value: str | None, info: ValidationInfo) -> str | None:
        form = KEPT_FORMS.get(info.data.get("name", ""))
        return value if value is None or form is None else form(value)

    def has_index(self) -> bool:
        return self.name in KEPT_FORMS and self.equals is not None

    def sql(self, values: Values) -> str:
        column, parts = f"contact.{self.name}", []
        if self.equals is not None:
            parts.append(f"({column} = {values.add(self.equals)} AND {column} IS NOT NULL)")
        if self.not_equals is not None:
            parts.append(f"{column} IS DISTINCT FROM {values.add(self.not_equals)}")
        if self.contains is not None:
            parts.append(f"(position(lower({values.add(self.contains)}) IN lower({column})) > 0 AND {column} IS NOT NULL)")
        if self.exists is not None:
            parts.append(f"{column} IS {'NOT NULL' if self.exists else 'NULL'}")
        return " AND ".join(parts)
