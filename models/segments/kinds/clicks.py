"""How often a person has clicked, links of all messages together."""

from typing import Literal

from models.segments.kinds.base import Comparison, Count, Rows, optional
from models.segments.values import Values


class ClicksCondition(Comparison):
    """Compares the number of the contact's clicks. Somebody who has never clicked has 0."""

    kind: Literal["clicks"]
    at_least: Count | None = optional(examples=[3])
    at_most: Count | None = optional()

    def has_index(self) -> bool:
        return bool(self.at_least)

    def rows(self, values: Values) -> Rows | None:
        if not self.at_least:  # those without a click have no row
            return None
        also = "" if self.at_most is None else f" AND clicks <= {values.add(self.at_most, 'integer')}"
        return engaged(f"clicks >= {values.add(self.at_least, 'integer')}{also}")

    def sql(self, values: Values) -> str:
        if rows := self.rows(values):
            return rows.of_contact()
        if self.at_most is None:
            return "true"  # everybody has at least 0
        return "NOT " + engaged(f"clicks > {values.add(self.at_most, 'integer')}").of_contact()


def engaged(where: str) -> Rows:
    """The people who have ever clicked, of whom this is true."""
    return Rows("contact_engagement", f"contact_engagement.org_id = :org_id AND {where}")
