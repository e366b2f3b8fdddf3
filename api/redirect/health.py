"""Is the redirect alive, and what is degraded? A redirect without PostgreSQL or Temporal is degraded, not dead."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from api.redirect.holds import Holds
from api.redirect.journal import Journal
from api.redirect.linkbook import Linkbook
from api.redirect.shared_book import SharedBook
from api.redirect.signals import AfterCommit


class Health:
    def __init__(self, linkbook: Linkbook, shared: SharedBook, journal: Journal, after_commit: AfterCommit, holds: Holds) -> None:
        self._linkbook = linkbook
        self._shared = shared
        self._journal = journal
        self._after_commit = after_commit
        self._holds = holds

    async def live(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, _request: Request) -> Response:
        """503 only when no link can be answered: the links were never loaded."""
        degraded = self.degraded()
        if not self._linkbook.loaded:
            return JSONResponse({"status": "unavailable", "degraded": degraded}, 503)
        return JSONResponse({"status": "degraded" if degraded else "ready", "degraded": degraded})

    def degraded(self) -> Mapping[str, str]:
        """Each part that does not do its work now, and why."""
        counts = self._journal.counts
        reasons = {
            "links": self._linkbook.problem,
            "links_on_disk": self._linkbook.snapshot.problem if self._linkbook.snapshot else None,
            "shared_links": self._shared.problem,
            "clicks": self._journal.problem,
            "spool": self._journal.spool.state,
            "signals": self._after_commit.problem,
            "holds": self._holds.problem,
            "lost": f"{counts.lost} clicks since the start" if counts.lost else None,
        }
        return {name: reason for name, reason in reasons.items() if reason}
