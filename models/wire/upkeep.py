"""What the daily upkeep asks its activities, and what they answer."""

from collections.abc import Sequence

from models.wire.base import Wire


class KeptPartitions(Wire):
    """Names of the partitions that were made or dropped."""

    names: Sequence[str] = ()


class RetiredClicks(Wire):
    """How many clicks were removed. `more` says that some organization may still have clicks to be removed."""

    clicks: int = 0
    more: bool = False


class UpkeepResult(Wire):
    """What one run has done. `unfinished` names the parts that failed too often and are left to the next run."""

    made: Sequence[str] = ()
    dropped: Sequence[str] = ()
    clicks: int = 0
    unfinished: Sequence[str] = ()
