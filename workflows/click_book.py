"""Which links of an enrollment's messages were clicked, and which clicks have already led somewhere. Pure state.

It remembers links, not clicks: a link wakes once, so a repeated signal or a hammered link changes nothing, and the state is
bounded by the number of send steps times the links of a message.
"""

from models.wire import LinkKey

Links = tuple[LinkKey, ...]


class ClickBook:
    def __init__(
        self, sent: dict[str, int], last_sent: str | None, clicked: tuple[LinkKey, ...], used: tuple[LinkKey, ...]
    ) -> None:
        self.sent = dict(sent)
        self.last_sent = last_sent
        self._clicked = {(key.visit, key.position): key for key in clicked}
        self._used = {(key.visit, key.position): key for key in used}

    @property
    def clicked(self) -> Links:
        return tuple(self._clicked.values())

    @property
    def used(self) -> Links:
        return tuple(self._used.values())

    def message_sent(self, step_key: str, visit: int) -> None:
        """A step that sends again replaces its earlier message: clicks on the old one no longer count."""
        self.sent[step_key] = visit
        self.last_sent = step_key
        for links in (self._clicked, self._used):
            for place in [place for place, key in links.items() if key.step_key == step_key and key.visit != visit]:
                del links[place]

    def click(self, key: LinkKey) -> None:
        """May come before `message_sent`: people are sometimes faster than the answer of the channel."""
        replaced = key.visit < self.sent.get(key.step_key, key.visit)
        if not replaced and (key.visit, key.position) not in self._used:
            self._clicked.setdefault((key.visit, key.position), key)

    def waited_visits(self, link: str | None) -> tuple[int, ...]:
        """The sends that a wait looks at: the last one, or all when it names a link."""
        if link is not None:
            return tuple(sorted(self.sent.values()))
        return (self.sent[self.last_sent],) if self.last_sent is not None else ()

    def match(self, link: str | None) -> LinkKey | None:
        """A click that satisfies a wait, oldest message first; None: not yet."""
        visits = self.waited_visits(link)
        fitting = [key for key in self._clicked.values() if key.visit in visits and (link is None or key.name == link)]
        return min(fitting, key=lambda key: (key.visit, key.position)) if fitting else None

    def use(self, key: LinkKey) -> None:
        """This click has led to a branch: it will not do so again."""
        self._clicked.pop((key.visit, key.position), None)
        self._used[(key.visit, key.position)] = key
