"""When a person clicked last, any link of any message."""

from typing import Literal

from models.segments.kinds.base import Rows, TimeComparison
from models.segments.kinds.clicks import engaged
from models.segments.values import Values


class LastClickCondition(TimeComparison):
    """Compares the time of the contact's last click. It does not hold for somebody who has never clicked."""

    kind: Literal["last_click"]

    def has_index(self) -> bool:
        return True

    def rows(self, values: Values) -> Rows:
        return engaged(self.sql_of("last_click_at", values))

    def sql(self, values: Values) -> str:
        return self.rows(values).of_contact()
