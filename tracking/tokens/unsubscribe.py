"""The address at which a recipient unsubscribes: a token whose position no link has, behind a path of its own.

The token names the content and the recipient as a link's does. A link's token is refused there, so nobody can unsubscribe a
person by changing the address of a link that was passed on.
"""

from tracking.tokens.token import MAX_POSITION

UNSUBSCRIBE_POSITION = MAX_POSITION
UNSUBSCRIBE_PATH = "/unsubscribe/"


def unsubscribe_address(domain: str, token: str) -> str:
    """`domain` is the base of the message's links, without a slash at the end."""
    return f"{domain}{UNSUBSCRIBE_PATH}{token}"
