"""What a segment's statement is made with: its bind parameters, so that nothing that somebody wrote becomes part of the text."""

from datetime import datetime
from typing import Any
from uuid import UUID


class Values:
    """The parameters of one statement, of however many segments. `:org_id` is the organization, and `:at` the moment at which
    durations such as "within 30 days" end."""

    def __init__(self, org_id: UUID, at: datetime) -> None:
        self.parameters: dict[str, Any] = {"org_id": org_id, "at": at}

    def add(self, value: Any, sql_type: str = "text") -> str:
        """Returns how the statement names the value."""
        name = f"v{len(self.parameters)}"
        self.parameters[name] = value
        return f"CAST(:{name} AS {sql_type})"
