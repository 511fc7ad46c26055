"""Whose files are accepted without a question."""

import itertools

import pytest

from proxim.core import events as ev
from proxim.core.features import link_features
from proxim.core.files.events import AcceptPolicy
from proxim.core.files.transfers import Transfers
from proxim.core.known.feature import KnownDevices
from tests.core.handed_in import known_devices

LINK, OTHER = ev.LinkID("host-1"), ev.LinkID("host-2")


def policy_of(accept: AcceptPolicy | None, known: KnownDevices | None) -> AcceptPolicy | None:
    """Return what is special about the files of LINK."""
    numbers = itertools.count()
    features = link_features(lambda count: next(numbers).to_bytes(count), accept, known=known)
    (transfers,) = (one for one in features._features if isinstance(one, Transfers))
    assert transfers._policy_of(OTHER) is None
    return transfers._policy_of(LINK)


def test_a_folder_for_a_known_device(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_devices()
    monkeypatch.setattr(known, "files_to", lambda link: "/inbox" if link == LINK else None)
    taken = AcceptPolicy(without_asking=True, directory="/inbox")
    assert policy_of(None, known) == taken
    assert policy_of(AcceptPolicy(), known) == taken
    # A pipe takes one file of all that come, so that somebody decides about each.
    assert policy_of(AcceptPolicy(ask_always=True), known) is None
    assert policy_of(None, None) is None
