"""Every kind of channel, by name."""

from collections.abc import Mapping

from models.channels.channel import ChannelKind
from services.channels import simulator
from services.channels.base import ChannelType
from services.channels.http import channel as http
from services.channels.smtp import channel as smtp
from services.channels.twilio import channel as twilio

CHANNEL_TYPES: Mapping[ChannelKind, ChannelType] = {
    each.kind: each for each in (simulator.TYPE, smtp.TYPE, twilio.TYPE, http.TYPE)
}
