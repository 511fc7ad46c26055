"""Hands what this program was started for to the one that is open already (`proxim send`, or a
second `proxim`), and asks it what only it knows.
"""

import os
import sys
from typing import Final

from proxim.app.bridge import Bridge
from proxim.app.host_options import WindowOptions
from proxim.core.handover import (
    MAX_ANSWER_BYTES,
    TAKEN,
    Handed,
    HandoverAnswer,
    HandoverError,
    HandoverRequest,
    read_answer,
    write_request,
)
from proxim.core.i18n import tr
from proxim.core.pairing.devices import KnownID
from proxim.io.desktop.instance import (
    Deliver,
    FirstEndedError,
    NoAnswerError,
    Place,
    place_of,
)
from proxim.io.desktop.requests import HandedOver
from proxim.io.system.file_lock import is_locked
from proxim.ui.wording import name_words

FAILED_STATUS: Final = 1

_SENTENCES: Final = {
    Handed.RAISED: "handover.raised",
    Handed.ASKING: "handover.asking",
    Handed.JOINING: "handover.joining",
    Handed.NO_DEVICE: "handover.noDevice",
    Handed.SEVERAL: "handover.several",
    Handed.FULL: "handover.full",
    Handed.PATH_GONE: "handover.pathGone",
    Handed.PATH_UNREADABLE: "handover.pathUnreadable",
    Handed.NOT_UNDERSTOOD: "handover.notUnderstood",
    Handed.BUSY: "handover.noAnswer",
}


def hand_to_first(place: Place, options: WindowOptions) -> int:
    """Hand the wishes to the program that is open, and say what becomes of them.

    Returns the exit status. Raises FirstEndedError if that program has ended meanwhile.
    """
    request = HandoverRequest(options.send, options.to)
    try:
        answer = read_answer(place.ask(write_request(request), MAX_ANSWER_BYTES))
    except (NoAnswerError, HandoverError):
        answer = HandoverAnswer(Handed.BUSY)
    taken = answer.outcome in TAKEN
    sentence = words(answer, options.send)
    if taken and options.shape_the_window:
        taken, sentence = False, tr("handover.ownOptions")
    # The file manager gives a program neither of these.
    stream = sys.stdout if taken else sys.stderr
    if stream is not None:
        stream.write(f"{sentence}\n" if taken else f"proxim: {sentence}\n")
    return 0 if taken else FAILED_STATUS


def linked_elsewhere() -> frozenset[KnownID]:
    """Return the known devices with which the window that is open is linked."""
    place = place_of(os.environ)
    if place is None or not is_locked(place.lock_file):
        return frozenset()
    request = write_request(HandoverRequest(asks_linked=True))
    try:
        return read_answer(place.ask(request, MAX_ANSWER_BYTES)).devices
    except (NoAnswerError, FirstEndedError, HandoverError):
        # What is listed is true without it.
        return frozenset()


def words(answer: HandoverAnswer, paths: tuple[str, ...]) -> str:
    """Return what became of these paths, in a sentence."""
    name = answer.name or tr("device.otherLabel")
    if answer.outcome is Handed.SENDING:
        return tr("handover.sending", count=len(paths), name=name)
    if answer.outcome is Handed.KEPT:
        return tr("handover.kept") if answer.name is None else tr("handover.keptFor", name=name)
    # What answers may be another version, which counts otherwise.
    number = answer.number or 0
    counted = 0 < number <= len(paths)
    path = name_words(paths[number - 1]) if counted else tr("usage.pathNumber", number=number)
    return tr(_SENTENCES[answer.outcome], name=name, path=path)


def deliver_by(bridge: Bridge) -> Deliver:
    """Return what passes requests to the window's thread, and waits for its answer."""

    def deliver(request: HandoverRequest) -> HandoverAnswer:
        handed = HandedOver(request)
        bridge.hand_over(handed)
        return handed.wait()

    return deliver
