"""What the tests of pairing share."""

import pytest

from proxim.core.pairing import host_code, invite_link


@pytest.fixture(autouse=True)
def nothing_is_compiled_yet() -> None:
    """Compile the patterns of links and codes again: another test of this process may have used
    them, where the coverage of core is not measured.
    """
    for pattern in (host_code._shown, invite_link._whole, invite_link._beginning):
        pattern.cache_clear()
