"""Messages that a peer may send about files and answers that a disk may give. They are right next
steps or arbitrary ones.
"""

from proxim.core import events as ev
from proxim.core.base64url import to_base64url
from proxim.core.errors import Reason
from proxim.core.files import events as file_ev
from proxim.core.files import messages as file_msg
from proxim.core.files import status as file_st
from proxim.core.files.manifest import START, Direction, Entry, TransferID
from proxim.core.link import events as link_ev
from proxim.core.link import messages as link_msg
from proxim.core.program import ProgramEvent
from tests.core.handed_in import hello
from tests.core.ledger import Ledger, SinkState

# Peers announce this transfer below, and this is the label of its stream.
STREAM = f"files/{to_base64url(bytes(16))}/0"


def words_about_files(ledger: Ledger, number: int) -> list[link_msg.LinkMessage]:
    """Return messages that a peer may send about files, right or wrong ones.

    They are about a transfer of the peer's own or the newest one in the ledger.
    """
    own = TransferID(to_base64url(number.to_bytes(16)))
    known = list(ledger.transfers)[-1:]
    words: list[link_msg.LinkMessage] = [
        file_msg.Announce(own, (Entry("photo", 40),)),
        file_msg.Announce(own, (Entry("part", 1),), more=True),
        link_msg.OfferLane(bytes([number]) * 16, bytes(32)),
        file_msg.Resume((bytes(32),)),
    ]
    for transfer in (own, *known):
        words += [
            file_msg.Accept(transfer),
            file_msg.Continue(transfer, number, START),
            file_msg.Progress(transfer, number, number),
            file_msg.Finished(transfer),
            file_msg.Cancel(transfer, "declined"),
        ]
    return words


def disk_answers(ledger: Ledger, number: int, *, well: bool) -> list[file_ev.DiskEvent]:
    """Return answers that a disk may give next to its commands; `well` is False for failures."""
    listed = file_ev.SourcesListed, file_ev.SourcesFailed
    answers: list[file_ev.DiskEvent] = [
        listed[0](one, (Entry("photo", 40),)) if well else listed[1](one, Reason.FILE_GONE)
        for one in sorted(ledger.listing)
    ]
    for transfer, state in ledger.sinks.items():
        if state is SinkState.OPENING:
            answers.append(
                file_ev.SinkReady(transfer)
                if well
                else file_ev.SinkFailed(transfer, Reason.DISK_FULL)
            )
        elif state is SinkState.PAUSING:
            answers.append(file_ev.SinkPaused(transfer, START))
        elif state is SinkState.READY and well:
            done = file_ev.SinkFinished(transfer, (), "photo", "00" * 32)
            answers.append(done if number % 3 == 0 else file_ev.SinkWrote(transfer, number, number))
        elif state is SinkState.READY:
            answers.append(file_ev.SinkFailed(transfer, Reason.DISK_FULL))
    answers += [
        file_ev.SendingFailed(one, sending.generation)
        for one, sending in ledger.sending.items()
        if not well
    ]
    return answers[:number]


def next_file_event(ledger: Ledger, link: ev.LinkID, control: int, number: int) -> ProgramEvent:
    """Return the next right step of files over a link; chance alone rarely gets that far."""

    def says(message: link_msg.LinkMessage) -> ProgramEvent:
        return link_ev.ChannelMessage(link, control, link_msg.dump_link_message(message))

    lane = ev.LinkTimer(ev.TimerName.LANE, link)
    if "files" not in ledger.links[link].features:
        return says(hello("somebody"))
    if answers := disk_answers(ledger, 1 + number % 3, well=True):
        return answers[0]
    for transfer, status in ledger.transfers.items():
        if status.link != link or status.over:
            continue
        if status.needs_answer:
            return file_ev.AcceptTransfer(transfer)
        if status.direction is Direction.OUT and status.state is file_st.TransferState.ANNOUNCED:
            return says(file_msg.Accept(transfer))
        if transfer in ledger.sending:
            generation = ledger.sending[transfer].generation
            return says(
                file_msg.Finished(transfer)
                if number % 2
                else file_msg.Progress(transfer, generation, number)
            )
        if lane in ledger.timers and ledger.transfers[transfer].direction is Direction.OUT:
            return ev.TimerFired(lane)
    if number % 2:
        return file_ev.SendPaths(link, ("photo",))
    # The test's program counts its own ids, while a real one draws them at random. A peer's id must
    # therefore never be one that the program will count to.
    peers = TransferID(to_base64url((1 << 64 | number).to_bytes(16)))
    return says(file_msg.Announce(peers, (Entry("photo", 40),)))
