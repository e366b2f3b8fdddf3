"""What a page cannot do, said as a page."""


class Refused(Exception):
    """A status, what happened, and what to do."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


NOT_FOUND = Refused(404, "There is nothing at this address", "It may have been deleted, or belong to another organization.")
