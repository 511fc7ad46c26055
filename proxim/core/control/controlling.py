"""Control of a shared screen as a feature of links: the channel on which the input arrives.

Who may control, and everything else about it, is decided by the share (screen/shower.py).
"""

import re
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core.link.features import LinkFeature
from proxim.core.screen.messages import SHARE_ID_CHARACTERS
from proxim.core.screen.sharing import ScreenSharing

# The word in `hello`.
CONTROL: Final = "control"
# The label prefix of the input's channels.
INPUT: Final = "input"
_LABEL: Final = re.compile(rf"{INPUT}/(?P<share>[A-Za-z0-9_-]{{{SHARE_ID_CHARACTERS}}})")


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
        match = _LABEL.fullmatch(label)
        if match is None:
            return None
        return self._sharing.input_opened(link, channel, match["share"])
