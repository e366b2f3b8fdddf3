"""The public addresses at which a channel's provider reports to us."""

from uuid import UUID

from settings import Settings


def callback_address(settings: Settings, channel_id: UUID, rest: str) -> str:
    """Returns such as `https://hooks.example.com/callbacks/{channel_id}/twilio/status`, where `rest` is `twilio/status`.

    The base is `CALLBACK_URL` and not the host of a request, because a proxy or a sender can change that one: providers sign the
    address that they call.
    """
    return f"{settings.effective_callback_url}/callbacks/{channel_id}/{rest}"
