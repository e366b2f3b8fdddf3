"""Tells whether the redirect is alive, and what is degraded. A redirect without PostgreSQL or Temporal is degraded, not dead."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.redirect.background.holds import Holds
from api.redirect.background.signals import AfterCommit
from api.redirect.keeping.journal import Journal
from api.redirect.links.link_cache import LinkCache
from api.redirect.links.shared_link_cache import SharedLinkCache
from api.redirect.unsubscribing.unsubscribes import Unsubscribes


class Health:
    def __init__(
        self,
        link_cache: LinkCache,
        shared: SharedLinkCache,
        journal: Journal,
        after_commit: AfterCommit,
        holds: Holds,
        unsubscribes: Unsubscribes,
    ) -> None:
        self._unsubscribes = unsubscribes
        self._link_cache = link_cache
        self._shared = shared
        self._journal = journal
        self._after_commit = after_commit
        self._holds = holds

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """It is 503 only when no link can be answered, because the links were never loaded."""
        degraded = self.degraded()
        if not self._link_cache.loaded:
            return JSONResponse({"status": "unavailable", "degraded": degraded}, 503)
        return JSONResponse({"status": "degraded" if degraded else "ready", "degraded": degraded})

    def degraded(self) -> Mapping[str, str]:
        """Returns each part that does not do its work now, and why."""
        lost = self._journal.counts.lost - self._journal.counts.rescued
        reasons = {
            "links": self._link_cache.problem,
            "links_on_disk": self._link_cache.snapshot.problem if self._link_cache.snapshot else None,
            "shared_links": self._shared.problem,
            "clicks": self._journal.problem,
            "spool": self._journal.spool.state,
            "signals": self._after_commit.problem,
            "holds": self._holds.problem,
            "unsubscribes": self._unsubscribes.problem or self._unsubscribes.spool.state,
            "lost": f"{lost} clicks since the start" if lost else None,
        }
        return {name: reason for name, reason in reasons.items() if reason}
