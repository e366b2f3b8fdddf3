"""What the stack tells a person when it cannot go on."""


class StackError(Exception):
    """The embedded stack cannot start or go on; the message is one sentence that says what to do."""


class WrongUse(StackError):
    """The command line names something that does not exist."""

    exit_code = 2
