"""Every limit and time-out of the network side, each with its reason.

The protocol's own limits are defined beside core's machines. The backlog of the listening socket is
defined in listener.py, which runs before the modules that this one imports are loaded.
"""

from typing import Final

from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES, LANE_MESSAGE_BYTES
from proxim.core.link.lane_frames import SEAL_BYTES, STREAM_PREFIX_BYTES
from proxim.core.pairing import messages as pair_msg
from proxim.core.screen.updates import MAX_UPDATE_BYTES
from proxim.core.token_bucket import RateLimit
from proxim.io.pairing.rate_limit import Pace

# --- WebSocket ------------------------------------------------------------------------------------

# A frame over MAX_MESSAGE_BYTES is answered with an `error`. A frame over this limit closes the
# socket before it is read into memory.
HARD_MESSAGE_BYTES: Final = 4 * pair_msg.MAX_MESSAGE_BYTES
# How many frames are read ahead. TCP's flow control keeps the rest at the sender.
RECEIVE_QUEUE: Final = 4
# How much may wait to be sent, pongs included, before a peer that reads nothing is cut off.
UNREAD_BYTES: Final = 256 * 1024
# How much a signaling socket may send, whatever its frames are; a faster one is cut off. Honest
# peers ping every 5 s at most. The machine accepts 20 messages a second (burst 60) and answers
# those beyond, so `frames` only stops a peer that continues nevertheless, or that sends a message
# in very many pieces. `bytes` allows a stranger's 8 messages to be as large as any that is read.
SIGNALING_PACE: Final = Pace(
    controls=RateLimit(per_second=5, burst=20),
    frames=RateLimit(per_second=100, burst=200),
    bytes=RateLimit(per_second=HARD_MESSAGE_BYTES, burst=8 * HARD_MESSAGE_BYTES),
)
# How many messages a guest may leave unread. An honest pairing needs about ten.
SEND_QUEUE: Final = 64
# How many sockets may be open in all, counted from the moment they are accepted: those of a room's
# guests, and of some who only try to connect.
MAX_SOCKETS: Final = 32
# This keeps one device from occupying every place. A guest needs one socket, or two while its lane
# opens. A browser that loads the page was seen to open six at once for a moment (16 in all): its
# signaling socket, and sockets for the page's files.
MAX_SOCKETS_OF_ONE_ADDRESS: Final = 8
# When all places are occupied, the address with the most sockets, if it has at least this many,
# loses one to an address that has none. If it is a phone that is just loading the page, it loses a
# file of the page and fetches it again.
CROWD_SOCKETS: Final = 3
# The size of an opening request. A browser's is under 1 KiB, but may carry another server's
# cookies.
MAX_REQUEST_BYTES: Final = 16 * 1024
# The time-out of the opening handshake. A LAN needs milliseconds.
REQUEST_SECONDS: Final = 5.0
# The time-out of the closing handshake, after which the socket is dropped.
CLOSE_SECONDS: Final = 1.0
# This finds guests that vanished without a goodbye, so that their prompts disappear.
SERVER_PING_SECONDS: Final = 20.0
# A person waits for the host's answer and must notice within 10 s that the host is gone.
CLIENT_PING_SECONDS: Final = 5.0

# --- files and the lane ---------------------------------------------------------------------------

# How much may be in flight without an acknowledgement. At 110 MB/s this is 0.15 s, long enough for
# a lost acknowledgement to be followed by the next.
WINDOW_BYTES: Final = 16 * 1024 * 1024
# How far a peer may exceed the window before it is cut off. Headers, starts and ends of 20,000 tiny
# files come on top of the window.
WINDOW_OVERRUN_BYTES: Final = 4 * 1024 * 1024
# Progress is reported after this many bytes at the latest, so that a sender never waits for its
# window.
WROTE_BYTES: Final = WINDOW_BYTES // 4
# Progress is reported at least this often, so that people see the bar move.
WROTE_SECONDS: Final = 0.1
# How much a worker thread handles in one turn: some ms of work for 0.1 ms of handing over.
BATCH_BYTES: Final = 2 * 1024 * 1024
# While a stream runs, small messages, such as those of data channels, are gathered for this long
# and up to this size. Each turn of a worker thread keeps the loop from the interpreter, and one
# turn for every 64 KiB cost a tenth of the speed.
GATHER_SECONDS: Final = 0.05
GATHER_BYTES: Final = 512 * 1024
# The largest message of file bytes until a stream's speed is known. A text or a ping waits for at
# most one message, and each message costs both ends a turn of their loops and threads.
LANE_BULK_BYTES: Final = 512 * 1024
# From then on a message is as large as what moves in this time, between the two limits of
# core/files/stream.py: 1 MiB on a fast network, which needs a tenth less of the processor than half
# of that, and 200 kB at 10 MB/s.
MESSAGE_SECONDS: Final = 0.02
# How long one of our threads may keep others waiting for the interpreter while files move. Python's
# default of 5 ms is longer than it takes to read, hash or seal a message.
SWITCH_SECONDS: Final = 0.0005
# The largest lane frame that is read.
LANE_FRAME_BYTES: Final = LANE_MESSAGE_BYTES + STREAM_PREFIX_BYTES + SEAL_BYTES
# How long the host waits for an unproved lane's first frame, as for a guest's first message.
LANE_PROOF_SECONDS: Final = 10.0
# How many bytes of texts, of pongs or of channels may wait before a peer that reads nothing is cut
# off: as much as texts alone may have, and the largest picture of a screen besides.
LANE_UNREAD_BYTES: Final = 16 * 1024 * 1024 + 2 * MAX_UPDATE_BYTES
# How much unsent data of a lane the system may buffer. More only makes a ping wait longer.
LANE_NOT_SENT_BYTES: Final = 256 * 1024
# How much is queued in aiortc. This is more than one of its bursts, so that it never idles, but
# little enough that cancelling is prompt.
CHANNEL_QUEUE_BYTES: Final = 8 * CHANNEL_MESSAGE_BYTES
# How long the end of the program waits for received bytes to be written. What is not written is
# sent again next time.
SINK_CLOSE_SECONDS: Final = 2.0

# --- WebRTC ---------------------------------------------------------------------------------------

# How long a peer that is closed may take to end what it is doing, which is mostly to make its
# sockets: that needs milliseconds. It gets this time twice (Peer.close).
SETTLE_SECONDS: Final = 0.25
# How long the other side may take to close after a goodbye: a few round trips on a poor link.
FAREWELL_SECONDS: Final = 0.5
# aiortc enforces no limit of its own: a 4 MiB message was seen to arrive (docs/security.md).
MAX_CHANNEL_MESSAGE_BYTES: Final = 256 * 1024
# How many channels may be open at once: the control channel and some files. aiortc was seen to
# accept 500.
MAX_CHANNELS: Final = 8
# How far a peer may exceed the receive window that aiortc announces (1 MiB). A sender may probe a
# closed window, and aiortc as a sender looks at the window late.
MAX_WINDOW_OVERRUN_BYTES: Final = 256 * 1024
# As a sender, aiortc never looks at the other side's window (RFC 9260, 6.1, rule A). On a network
# with long queues it had more than 1.25 MiB in flight, and the first lost packet made the other
# side end the link. This limit is that window less one unfinished message of each stream. At 10
# MB/s it is enough for a round trip of 75 ms.
MAX_IN_FLIGHT_BYTES: Final = 768 * 1024

# --- this machine ---------------------------------------------------------------------------------

# How often this machine's addresses are read where the system does not say that they change. A
# person who changes the Wi-Fi watches the window meanwhile.
NETWORK_READ_SECONDS: Final = 3.0
# And where it does: some systems only look like Linux, and never say so.
NETWORK_READ_ANYWAY_SECONDS: Final = 60.0
# An interface that comes up changes several things, one soon after the other.
NETWORK_SETTLE_SECONDS: Final = 0.1
# How long after waking up a code may stay visible that expired during sleep.
SLEEP_WATCH_SECONDS: Final = 3.0
# How long after the last link the memory that it needed is returned. The links of one room often
# follow each other, and the window has looked for garbage by then (app/desktop.py, LEFT_MS).
GIVE_BACK_SECONDS: Final = 3.0
# How long goodbyes may take, after which the program ends all the same.
SHUTDOWN_SECONDS: Final = 3.0
