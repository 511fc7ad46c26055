from proxim.core.link.link import SILENCE_SECONDS
from proxim.core.pairing import messages as pair_msg
from proxim.io import limits


def test_a_message_just_too_large_is_read_and_answered_instead_of_cut_off() -> None:
    assert limits.HARD_MESSAGE_BYTES > pair_msg.MAX_MESSAGE_BYTES


def test_limits_that_stand_in_a_relation_keep_it() -> None:
    assert limits.FAREWELL_SECONDS + limits.CLOSE_SECONDS < limits.SHUTDOWN_SECONDS
    assert limits.FAREWELL_SECONDS < SILENCE_SECONDS


def test_nobody_takes_every_place_alone() -> None:
    assert limits.MAX_SOCKETS_OF_ONE_ADDRESS < limits.MAX_SOCKETS


def test_a_message_of_the_largest_size_fits_through_the_channel() -> None:
    assert pair_msg.MAX_MESSAGE_BYTES < limits.MAX_CHANNEL_MESSAGE_BYTES
