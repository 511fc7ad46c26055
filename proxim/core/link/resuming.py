"""What host and guest have in common where a lost link is taken up again: how long, and as what
people see it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from proxim.core.commands import Command, Publish
from proxim.core.events import LinkID
from proxim.core.link.link import Link
from proxim.core.status import LinkStatus, Stage, Via

# The issue: within 2 minutes; a laptop's lid, a lift, a router that starts again
RESUME_SECONDS: Final = 120.0
# Between two dials; people wait, and a dial on the LAN costs next to nothing
REDIAL_SECONDS: Final = 2.0


def untold(link: Link, closing: Sequence[Command]) -> list[Command]:
    """What closes a link, without telling people that it is closed: to them it waits."""
    return [command for command in closing if not _tells_the_end(command, link.id)]


def _tells_the_end(command: Command, link: LinkID) -> bool:
    match command:
        case Publish(LinkStatus(link=told, stage=Stage.CLOSED)):
            return told == link
    return False


def resumed(lost: LinkStatus, link: LinkID, peer_address: str) -> LinkStatus:
    """A new link in the place of one that was lost: who it is was approved and proved before, and
    stays.
    """
    return replace(
        lost,
        link=link,
        stage=Stage.APPROVED,
        peer_address=peer_address,
        deadline=None,
        can_text=False,
        can_send_files=False,
        reason=None,
        via=Via.WEBRTC,
        resumes=lost.link,
    )
