"""Helpers that find statuses and WebSocket messages in a list of commands."""

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import messages as pair_msg


def published(commands: list[do.Command]) -> list[st.Status]:
    """Return the statuses that these commands publish."""
    return [command.status for command in commands if isinstance(command, do.Publish)]


def sent(
    commands: list[do.Command], connection: ev.ConnectionID | None = None
) -> list[pair_msg.Message]:
    """Return the messages that these commands send, only those on `connection` if it is given."""
    return [
        command.message
        for command in commands
        if isinstance(command, pair_do.Send) and connection in (None, command.connection)
    ]


def reasons(commands: list[do.Command]) -> list[Reason]:
    """Return the reasons of the problems that these commands publish."""
    return [
        status.problem.reason for status in published(commands) if isinstance(status, st.Trouble)
    ]


def errors(commands: list[do.Command]) -> list[str]:
    """Return the codes of the `error` messages that these commands send."""
    return [
        message.code for message in sent(commands) if isinstance(message, pair_msg.ErrorMessage)
    ]
