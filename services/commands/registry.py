"""Which handler belongs to which kind of command. A new kind is a member of `CommandKind`, a handler, and a line here."""

from collections.abc import Mapping

from models.commands.command import CommandKind
from services.commands.handler import CommandHandler
from services.commands.look_again import LookAgain
from services.commands.move import Move
from services.commands.stop import Stop

HANDLERS: Mapping[CommandKind, CommandHandler] = {
    CommandKind.STOP: Stop(),
    CommandKind.MOVE: Move(),
    CommandKind.LOOK_AGAIN: LookAgain(),
}
