"""Tells an outage, after which the next attempt may succeed, from a bug, which is tried some times and then ends."""

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from temporalio.service import RPCError, RPCStatusCode

ATTEMPTS = 10
"""The attempts at a bug. Attempts during an outage count too, so a bug that shows right after one has fewer."""

AWAY = (OperationalError, InterfaceError, PoolTimeout, RPCError, OSError, TimeoutError)
"""A lost connection, a lock that was not given in time, a deadlock, a full pool: the next attempt may succeed."""

LOCK_NOT_GIVEN = "55P03"
"""PostgreSQL's code for the end of the wait for a lock by `lock_timeout`."""


def is_away(error: BaseException) -> bool:
    if isinstance(error, RPCError):
        return not _is_refused_for_good(error)
    return isinstance(error, AWAY) or (isinstance(error, DBAPIError) and error.connection_invalidated)


def is_locked(error: BaseException) -> bool:
    """Returns whether a lock was not given in time, because somebody else is changing the same rows."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) == LOCK_NOT_GIVEN


def _is_refused_for_good(error: RPCError) -> bool:
    """Returns whether Temporal would refuse the same call again, for example because its argument is larger than 2 MiB. Above
    4 MiB the status is that of a busy server. A search attribute that is missing can still be registered."""
    if error.status is RPCStatusCode.INVALID_ARGUMENT:
        return "no mapping defined for search attribute" not in error.message
    return error.status is RPCStatusCode.RESOURCE_EXHAUSTED and "larger than max" in error.message
