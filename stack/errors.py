"""Errors with which the stack tells a person why it cannot go on."""

from safe_errors import OwnWords


class StackError(OwnWords):
    """The embedded stack cannot start or go on; the message is one sentence that says what to do."""


class WrongUse(StackError):
    """The command line names something that does not exist."""

    exit_code = 2
