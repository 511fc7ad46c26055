"""What stands in a list of commands: what people are told, and what goes out on a WebSocket."""

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import messages as pair_msg


def published(commands: list[do.Command]) -> list[st.Status]:
    """What people are told by these commands."""
    return [command.status for command in commands if isinstance(command, do.Publish)]


def sent(
    commands: list[do.Command], connection: ev.ConnectionID | None = None
) -> list[pair_msg.Message]:
    """What goes out on a WebSocket by these commands."""
    return [
        command.message
        for command in commands
        if isinstance(command, pair_do.Send) and connection in (None, command.connection)
    ]


def reasons(commands: list[do.Command]) -> list[Reason]:
    """The problems that people are told by these commands."""
    return [
        status.problem.reason for status in published(commands) if isinstance(status, st.Trouble)
    ]


def errors(commands: list[do.Command]) -> list[str]:
    """The codes of the wire's `error` messages among these commands."""
    return [
        message.code for message in sent(commands) if isinstance(message, pair_msg.ErrorMessage)
    ]
