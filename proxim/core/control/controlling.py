"""Control of a shared screen as a feature of links: the channel on which the input arrives.

Who may control, and everything else about it, is decided by the share (screen/shower.py).
"""

from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.link.features import LinkFeature
from proxim.core.screen.messages import share_of
from proxim.core.screen.sharing import ScreenSharing

# The word in `hello`.
CONTROL: Final = "control"
# The label prefix of the input's channels.
INPUT: Final = "input"


class ScreenControl(LinkFeature):
    """Passes the input channel of a share to it."""

    word = CONTROL
    channel_prefix = INPUT

    def __init__(self, sharing: ScreenSharing) -> None:
        self._sharing = sharing

    def channel_opened(
        self, link: ev.LinkID, channel: int, label: str, now: float
    ) -> list[do.Command] | None:
        """Receive the input of whoever sees this screen."""
        share = share_of(INPUT, label)
        return None if share is None else self._sharing.input_opened(link, channel, share)
