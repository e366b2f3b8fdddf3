"""`./linkwake click URL` opens a tracked link as a browser on this machine would, for people who are here over SSH without a
browser.

The request goes to this stack's own redirect, whatever the name of the link domain resolves to. A HEAD request, which is no
click, comes first, so that an address that is not a link of this stack is refused without leaving a trace.
"""

from typing import NamedTuple
from urllib.parse import urlsplit

import httpx

from settings import Settings
from stack.addresses import in_url
from stack.errors import StackError

BROWSER = "Firefox on Linux"
HEADERS = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
}
FOUND = 302
SECONDS = 30.0


class Opened(NamedTuple):
    url: str
    leads_to: str

    def __str__(self) -> str:
        return f"Opened {self.url} as {BROWSER} would.\nIt leads to {self.leads_to}"


def click(settings: Settings, url: str) -> Opened:
    """Raises StackError when the address is not a link of this stack, and when no stack answers."""
    target, host = _target(settings, url)
    with httpx.Client(headers={**HEADERS, "Host": host}, timeout=SECONDS, trust_env=False) as browser:
        try:
            looked = browser.head(target)
            answer = browser.get(target) if looked.status_code == FOUND else looked
        except httpx.HTTPError as error:
            raise StackError(f"The redirect of this stack does not answer at {_address(settings)}: run ./linkwake up.") from error
    if answer.status_code != FOUND:
        raise StackError(_refusal(url, answer.status_code))
    return Opened(url, answer.headers["location"])


def _target(settings: Settings, url: str) -> tuple[str, str]:
    """Returns the link at this stack's redirect, and the host that the browser would name."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc or not parts.path.strip("/"):
        raise StackError(
            f"{url} is not a tracked link: write the whole link as it stands in the message, "
            f"such as {settings.effective_link_domain}/4jQ0ZbX81mKeuC."
        )
    query = f"?{parts.query}" if parts.query else ""
    return f"{_address(settings)}{parts.path}{query}", parts.netloc.rpartition("@")[2]


def _address(settings: Settings) -> str:
    return f"http://{in_url(settings.redirect_host)}:{settings.redirect_port}"


def _refusal(url: str, status: int) -> str:
    if status == httpx.codes.NOT_FOUND:
        return f"{url} is not a link of this stack: nothing was opened."
    if httpx.codes.is_success(status):
        return f"{url} is a page that leads nowhere, such as that of an unsubscribe link: open it in a browser."
    return f"{url} cannot be opened now: the redirect answers {status}. Try again in a minute."
