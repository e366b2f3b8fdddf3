"""Distributes the tests to processes by their files, because what the tests of a file share is made once."""

from xdist.scheduler import LoadFileScheduling

TOGETHER = ("tests/console/browser",)
"""Folders whose files share more, such as a stack and a browser, and therefore a process."""


def group_of(test: str) -> str:
    """The file of this test, or its folder in TOGETHER."""
    return next((folder for folder in TOGETHER if test.startswith(f"{folder}/")), test.partition("::")[0])


class ByFile(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
