"""The services that can be notified. Each address is one of apprise's; this list says which of its kinds are possible here.

Apprise writes the requests, and `services/way_out/` alone sends them. A kind is on the list when it speaks HTTP with one or two
requests (or is mail), reads no file, and has been seen to do so by `tests/services/notifications/test_apprise.py`.
"""

from typing import NamedTuple


class Service(NamedTuple):
    """`own_host` says that the address names the host. Otherwise it is the service's own, which is known. `titled` says that the
    service shows a title of its own, so a chat's text begins with it instead."""

    name: str
    own_host: bool = False
    titled: bool = False


SERVICES: dict[str, Service] = {
    "slack": Service("Slack"),
    "workflow": Service("Microsoft Teams", own_host=True),
    "tgram": Service("Telegram"),
    "discord": Service("Discord"),
    "gchat": Service("Google Chat"),
    "wxteams": Service("Webex"),
    "zulip": Service("Zulip"),
    "lark": Service("Lark"),
    "feishu": Service("Feishu"),
    "dingtalk": Service("DingTalk"),
    "wecombot": Service("WeCom"),
    "pover": Service("Pushover", titled=True),
    "pagerduty": Service("PagerDuty", titled=True),
    "mmosts": Service("Mattermost", own_host=True),
    "rockets": Service("Rocket.Chat", own_host=True),
    "ntfys": Service("ntfy", own_host=True, titled=True),
    "gotifys": Service("Gotify", own_host=True, titled=True),
    "jsons": Service("Webhook (JSON)", own_host=True, titled=True),
    "xmls": Service("Webhook (XML)", own_host=True, titled=True),
    "forms": Service("Webhook (form)", own_host=True, titled=True),
    "mailtos": Service("E-mail", own_host=True, titled=True),
}
PLAIN = {"json": "jsons", "xml": "xmls", "form": "forms", "mailto": "mailtos", "ntfy": "ntfys", "gotify": "gotifys"}
PLAIN |= {"mmost": "mmosts", "rocket": "rockets", "workflows": "workflow"}
"""Other spellings. Whether a connection is encrypted is seen from the request itself, because mailto:// can be as well."""

READS_FILES = frozenset({"template", "attach", "config", "include", "keyfile", "key", "cert", "pgpkey", "file"})
"""Parameters with which apprise would read a file or an address of its own accord. They are refused."""


TOGETHER = frozenset({"mailtos", "dingtalk"})
"""Services that are told once for everybody whom an address names. To all others apprise would send one request for each, so an
address names one of them: what one refuses is then never repeated to another who took it."""
REPEATS = frozenset({"retry", "wait"})
"""Parameters with which apprise would try again of its own accord. They are refused."""


def service_of(scheme: str) -> Service | None:
    return SERVICES.get(PLAIN.get(scheme, scheme))
