"""The addresses at which channels reach a contact."""

from typing import Literal

from models.segments.kinds.base import Leaf
from models.segments.values import Values


class AddressCondition(Leaf):
    """Whether the contact has a phone number, or an e-mail address."""

    kind: Literal["has_phone", "has_email"]

    def sql(self, _values: Values) -> str:
        return f"contact.{self.kind.removeprefix('has_')} IS NOT NULL"
