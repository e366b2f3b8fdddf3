"""The names that an author gives to destinations, which a text writes as `{{ links.NAME }}`."""

import re
from collections.abc import Collection, Mapping, Sequence

from tracking.links.destination import DestinationError
from tracking.links.unsubscribe import is_for_unsubscribing
from tracking.templates.masked import MaskedText
from tracking.templates.merge import Destination, judge
from tracking.templates.source import SourceError
from tracking.templates.template import LINKS, UNSUBSCRIBE, TemplateError, check_template, outer_variables

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class LinkError(SourceError):
    """A link that cannot be tracked as it is written. `name` is the named link that the error is about, when its position is not
    in the text.

    `more` lists what else is wrong with the links of the same text, so that its author sees everything at once.
    """

    def __init__(self, message: str, line: int | None = None, column: int | None = None, name: str | None = None) -> None:
        super().__init__(message, line, column)
        self.name = name
        self.more: Sequence[LinkError] = ()


class Names:
    """The author's names for destinations. `errors` holds those that cannot be used, and why."""

    def __init__(self, named: Mapping[str, str], extra: Collection[str]) -> None:
        self.destinations: dict[str, Destination] = {}
        self.by_key: dict[str, str] = {}
        self.errors: dict[str, LinkError] = {}
        for name, url in named.items():
            try:
                self._add(name, url, extra)
            except LinkError as error:
                error.name = name
                self.errors[name] = error

    def _add(self, name: str, url: str, extra: Collection[str]) -> None:
        if not _NAME.fullmatch(name):
            raise LinkError(f"the link name {name!r} is not possible: small letters, digits and _, at most 63, a letter first.")
        try:
            check_template(url, extra)
            if any(variable.segments[0] in (LINKS, UNSUBSCRIBE) for variable in outer_variables(url)):
                raise DestinationError("Other links cannot be part of an address.")
            destination = judge(url)
            if is_for_unsubscribing(MaskedText(url).masked):
                raise DestinationError("An address for unsubscribing is never tracked; write it into the text itself.")
        except (DestinationError, TemplateError) as error:
            raise LinkError(f"the named link {name}: {error}") from error
        other = self.by_key.setdefault(destination.key, name)
        if other != name:
            raise LinkError(f"the named links {other} and {name} have the same destination; keep one of them.")
        self.destinations[name] = destination
