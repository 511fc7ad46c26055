"""What the host answers a guest that may not go on: the wire's `error` and the rejecting
`pair_result`.
"""

from proxim.core.commands import Command, Send
from proxim.core.errors import SENTENCES, Reason
from proxim.core.events import ConnectionID
from proxim.core.pairing.messages import Auth, ErrorMessage, PairResult
from proxim.core.pairing.proof import tag_auth
from proxim.core.pairing.session_inputs import Guest


def refusal(connection: ConnectionID, reason: Reason, session_id: str | None = None) -> Command:
    """The wire's `error`: that message was refused, nothing has changed."""
    return Send(connection, ErrorMessage(reason, SENTENCES[reason], session_id))


def rejection(guest: Guest, reason: Reason) -> Command:
    """The wire's `pair_result` for a guest that may not come in, now."""
    result = PairResult(
        guest.session_id, approved=False, reason=reason, auth=host_tag(guest, "rejected")
    )
    return Send(guest.connection, result)


def host_tag(guest: Guest, status: str) -> Auth | None:
    """The host's own proof, for a guest that gave one."""
    return None if guest.keys is None else tag_auth(guest.keys.host_tag(status))
