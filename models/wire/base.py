"""What travels through Temporal is frozen: ids and facts, never tables.

New fields have defaults, because histories written before them are replayed with the new code.
"""

from pydantic import BaseModel, ConfigDict


class Wire(BaseModel):
    model_config = ConfigDict(frozen=True)
