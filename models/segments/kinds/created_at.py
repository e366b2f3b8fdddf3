"""When a contact was made."""

from typing import Literal

from models.segments.kinds.base import TimeComparison
from models.segments.values import Values


class CreatedAtCondition(TimeComparison):
    """Compares the time at which the contact was made here."""

    kind: Literal["created_at"]

    def sql(self, values: Values) -> str:
        return self.sql_of("contact.created_at", values)
