"""The features of this program's links. A new feature is registered here, and nowhere else in
core.
"""

from collections.abc import Callable

from proxim.core.files.events import AcceptPolicy
from proxim.core.files.transfers import Transfers
from proxim.core.link.features import Features
from proxim.core.link.text import TextExchange


def link_features(
    token_bytes: Callable[[int], bytes], accept: AcceptPolicy | None = None
) -> Features:
    """Return the features of all links, in the order of their words in `hello`.

    All randomness comes from `token_bytes`; `accept` says how announced files are treated.
    """
    return Features(TextExchange(), Transfers(token_bytes, accept))
