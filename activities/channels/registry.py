"""Every kind of channel, by name."""

from collections.abc import Mapping

from activities.channels.base import Channel
from activities.channels.simulator import Simulator
from models.database import Database
from models.organizations.channel import ChannelKind

Channels = Mapping[ChannelKind, Channel]


def build_channels(database: Database) -> Channels:
    return {ChannelKind.SIMULATOR: Simulator(database)}
