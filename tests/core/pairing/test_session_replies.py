"""Tests of proxim.core.pairing.session: the replies that a refused guest gets."""

from proxim.core import events as ev
from proxim.core.errors import SENTENCES, Reason
from proxim.core.pairing import commands as pair_do
from proxim.core.pairing import messages as pair_msg
from proxim.core.pairing.proof import ProofKeys, tag_matches
from proxim.core.pairing.session import PairingRequest, host_tag, refusal, rejection
from tests.core.handed_in import PHONE
from tests.rows import each_row

SOCKET = ev.ConnectionID(7)
KEYS = ProofKeys(b"context", b"guest", b"host", b"secret")
STRANGER = PairingRequest(SOCKET, "192.168.1.9", "abc", PHONE)
PROVED = PairingRequest(SOCKET, "192.168.1.9", "abc", PHONE, keys=KEYS)


@each_row("reason", Reason)
def test_a_refusal_names_its_reason_in_a_sentence(reason: Reason) -> None:
    assert refusal(SOCKET, reason) == pair_do.Send(
        SOCKET, pair_msg.ErrorMessage(reason.value, SENTENCES[reason])
    )
    assert refusal(SOCKET, reason, "abc") == pair_do.Send(
        SOCKET, pair_msg.ErrorMessage(reason.value, SENTENCES[reason], "abc")
    )


def test_a_rejection_without_a_proof_carries_none() -> None:
    assert rejection(STRANGER, Reason.BUSY) == pair_do.Send(
        SOCKET, pair_msg.PairResult("abc", approved=False, reason=Reason.BUSY)
    )
    assert host_tag(STRANGER, "approved") is None


def test_a_rejection_of_a_guest_that_proved_itself_carries_the_hosts_tag_over_that_decision() -> (
    None
):
    (command,) = [rejection(PROVED, Reason.DECLINED)]
    assert isinstance(command, pair_do.Send)
    assert isinstance(command.message, pair_msg.PairResult)
    assert command.message.auth is not None
    assert tag_matches(KEYS.host_tag("rejected"), command.message.auth.t)
    assert not tag_matches(KEYS.host_tag("approved"), command.message.auth.t)
    approved = host_tag(PROVED, "approved")
    assert approved is not None
    assert tag_matches(KEYS.host_tag("approved"), approved.t)
