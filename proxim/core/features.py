"""The features of this program's links. A new feature is registered here, and nowhere else in
core.
"""

from collections.abc import Callable

from proxim.core import events as ev
from proxim.core.control.controlling import ScreenControl
from proxim.core.files.events import AcceptPolicy
from proxim.core.files.transfers import Transfers
from proxim.core.known.feature import KnownDevices
from proxim.core.link.features import Features
from proxim.core.link.lane_channels import LaneChannels
from proxim.core.link.text import TextExchange
from proxim.core.screen.events import Grant
from proxim.core.screen.sharing import ScreenSharing


def link_features(
    token_bytes: Callable[[int], bytes],
    accept: AcceptPolicy | None = None,
    share_screen: Grant = Grant.NOTHING,
    known: KnownDevices | None = None,
) -> Features:
    """Return the features of all links, in the order of their words in `hello`.

    All randomness comes from `token_bytes`; `accept` says how announced files are treated, and
    `share_screen` what each verified peer may do with this device's screen without a question.
    Without `known` no devices can become known to each other.
    """
    sharing = ScreenSharing(token_bytes, share_screen)

    def accept_of(link: ev.LinkID) -> AcceptPolicy | None:
        folder = None if known is None else known.files_to(link)
        return None if folder is None else AcceptPolicy(without_asking=True, directory=folder)

    return Features(
        TextExchange(),
        Transfers(token_bytes, accept, accept_of),
        *([] if known is None else [known]),
        LaneChannels(),
        sharing,
        ScreenControl(sharing),
    )
