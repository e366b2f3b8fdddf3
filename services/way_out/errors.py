"""Why something did not go out. The texts are ours and quote neither the address nor what the other side said."""

from safe_errors import OwnWords


class WayOutError(OwnWords):
    """The connection could not be made, or broke, or the other side did not answer as it should."""


class NothingSent(WayOutError):
    """Nothing of the request has left this server. Every other error leaves open what the other side has got."""


class Unreachable(NothingSent):
    """No connection could be made. That may pass by itself."""


class RefusedAddress(NothingSent):
    """No connection may lead to this host, whoever asks for it."""


class UnwritableRequest(NothingSent):
    """HTTP cannot carry this address or one of these headers, so no repetition helps."""
