"""What a peer may say of files, and what a disk may answer: the right thing next, or anything."""

from proxim.core import events as ev
from proxim.core.errors import Reason
from proxim.core.files import events as fe
from proxim.core.files import messages as fm
from proxim.core.files import status as file_st
from proxim.core.files.manifest import START, Direction, Entry, TransferID
from proxim.core.link import events as link_ev
from proxim.core.link import messages as lm
from proxim.core.pairing.host_code import to_base64url
from proxim.core.program import ProgramEvent
from tests.core.ledger import Ledger, SinkState

# The label of a stream of the transfer that peers announce below
STREAM = f"files/{to_base64url(bytes(16))}/0"


def words_about_files(ledger: Ledger, number: int) -> list[fm.FileMessage]:
    """What a peer may say of files, rightly or wrongly: of a transfer of its own, or of one that is
    known here.
    """
    own = TransferID(to_base64url(number.to_bytes(16)))
    known = list(ledger.transfers)[-1:]
    words: list[fm.FileMessage] = [
        fm.Announce(own, (Entry("photo", 40),)),
        fm.Announce(own, (Entry("part", 1),), more=True),
        fm.OfferLane(bytes([number]) * 16, bytes(32)),
        fm.Resume((bytes(32),)),
    ]
    for transfer in (own, *known):
        words += [
            fm.Accept(transfer),
            fm.Continue(transfer, number, START),
            fm.Progress(transfer, number, number),
            fm.Finished(transfer),
            fm.Cancel(transfer, "declined"),
        ]
    return words


def disk_answers(ledger: Ledger, number: int, *, well: bool) -> list[fe.DiskEvent]:
    """What a disk may answer next to what it was commanded."""
    listed = fe.SourcesListed, fe.SourcesFailed
    answers: list[fe.DiskEvent] = [
        listed[0](one, (Entry("photo", 40),)) if well else listed[1](one, Reason.FILE_GONE)
        for one in sorted(ledger.listing)
    ]
    for transfer, state in ledger.sinks.items():
        if state is SinkState.OPENING:
            answers.append(
                fe.SinkReady(transfer) if well else fe.SinkFailed(transfer, Reason.DISK_FULL)
            )
        elif state is SinkState.PAUSING:
            answers.append(fe.SinkPaused(transfer, START))
        elif state is SinkState.READY and well:
            done = fe.SinkFinished(transfer, (), "photo", "00" * 32)
            answers.append(done if number % 3 == 0 else fe.SinkWrote(transfer, number, number))
        elif state is SinkState.READY:
            answers.append(fe.SinkFailed(transfer, Reason.DISK_FULL))
    answers += [
        fe.SendingFailed(one, sending.generation)
        for one, sending in ledger.sending.items()
        if not well
    ]
    return answers[:number]


def next_file_event(ledger: Ledger, link: ev.LinkID, control: int, number: int) -> ProgramEvent:
    """The next right step on the way of files over a link: without these, chance alone rarely gets
    there.
    """

    def says(message: lm.LinkMessage) -> ProgramEvent:
        return link_ev.ChannelMessage(link, control, lm.dump_link_message(message))

    lane = ev.Timer(ev.TimerName.LANE, link)
    if not ledger.links[link].can_send_files:
        return says(lm.Hello("somebody"))
    if answers := disk_answers(ledger, 1 + number % 3, well=True):
        return answers[0]
    for transfer, status in ledger.transfers.items():
        if status.link != link or status.over:
            continue
        if status.direction is Direction.IN and status.state is file_st.TransferState.ANNOUNCED:
            return fe.AcceptTransfer(transfer)
        if status.direction is Direction.OUT and status.state is file_st.TransferState.ANNOUNCED:
            return says(fm.Accept(transfer))
        if transfer in ledger.sending:
            generation = ledger.sending[transfer].generation
            return says(
                fm.Finished(transfer) if number % 2 else fm.Progress(transfer, generation, number)
            )
        if lane in ledger.timers and ledger.transfers[transfer].direction is Direction.OUT:
            return ev.TimerFired(lane)
    if number % 2:
        return fe.SendPaths(link, ("photo",))
    return says(fm.Announce(TransferID(to_base64url(number.to_bytes(16))), (Entry("photo", 40),)))
