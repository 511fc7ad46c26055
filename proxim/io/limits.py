"""Every limit and time-out of the network side, each with its reason.

The protocol's own limits stand with core's machines. The backlog of the listening socket stands in
listener.py, which runs before anything that these figures are taken from is loaded.
"""

from typing import Final

from proxim.core.files.stream import CHANNEL_MESSAGE_BYTES, LANE_MESSAGE_BYTES
from proxim.core.link.lane_frames import SEAL_BYTES, STREAM_PREFIX_BYTES
from proxim.core.pairing import messages as pair_msg
from proxim.io.pairing.rate_limit import Pace, RateLimit

# --- WebSocket ------------------------------------------------------------------------------------

# A frame over MAX_MESSAGE_BYTES gets its `error`; one over this closes the socket before it is read
# into memory.
HARD_MESSAGE_BYTES: Final = 4 * pair_msg.MAX_MESSAGE_BYTES
# Frames read ahead; TCP holds the rest back
RECEIVE_QUEUE: Final = 4
# What may wait to be sent, pongs too, before a peer that reads nothing is cut off
UNREAD_BYTES: Final = 256 * 1024
# What a signaling socket may send, whatever its frames are; beyond, it is cut. Honest ones ping
# every 5 s at most. The machine takes 20 messages a second (burst 60) and answers those beyond, so
# `frames` is for who goes on all the same, or sends a message in very many pieces. `bytes` lets a
# stranger's 8 messages be as large as any that is read.
SIGNALING_PACE: Final = Pace(
    controls=RateLimit(per_second=5, burst=20),
    frames=RateLimit(per_second=100, burst=200),
    bytes=RateLimit(per_second=HARD_MESSAGE_BYTES, burst=8 * HARD_MESSAGE_BYTES),
)
# Messages a guest may leave unread; an honest pairing has some ten
SEND_QUEUE: Final = 64
# In all, from the moment they are accepted: a room's guests, and some that only try the door
MAX_SOCKETS: Final = 32
# So that one device does not take every place: a guest needs one, two while its lane opens. A
# browser that loads the page was seen to hold six at once for a moment (16 in all): its signaling
# socket, and the page's files.
MAX_SOCKETS_OF_ONE_ADDRESS: Final = 8
# Where all places are taken, whoever holds most, and this many, makes room for an address that
# holds none. A phone that loads the page just then may be that: what it loses is a file of the
# page, which it fetches again.
CROWD_SOCKETS: Final = 3
# An opening request; a browser's is under 1 KiB, another server's cookies may come along
MAX_REQUEST_BYTES: Final = 16 * 1024
# For the opening handshake; a LAN needs milliseconds
OPEN_SECONDS: Final = 5.0
# For the closing handshake; then the socket is dropped
CLOSE_SECONDS: Final = 1.0
# Finds guests that are gone without a word, so that their prompts go away
SERVER_PING_SECONDS: Final = 20.0
# A person waits for this answer: notice within 10 s that the host is gone
CLIENT_PING_SECONDS: Final = 5.0

# --- files and the lane ---------------------------------------------------------------------------

# What may be on its way unacknowledged: at 110 MB/s 0.15 s, in which even a lost acknowledgement
# comes again.
WINDOW_BYTES: Final = 16 * 1024 * 1024
# Beyond it, before a peer is cut off that ignores it: headers, starts and ends of 20,000 tiny files
# stand beside it.
WINDOW_OVERRUN_BYTES: Final = 4 * 1024 * 1024
# Reported at least this often, so that a sender never waits for its window
WROTE_BYTES: Final = WINDOW_BYTES // 4
# And else this often: people see a bar move
WROTE_SECONDS: Final = 0.1
# Per turn of a worker thread: some ms of its work for 0.1 ms of handing over
BATCH_BYTES: Final = 2 * 1024 * 1024
# Small messages, as data channels have, wait for each other so long while a stream runs, up to so
# much: each turn of a worker thread takes the interpreter from the loop, and with one for every 64
# KiB that cost a tenth of the speed.
GATHER_SECONDS: Final = 0.05
GATHER_BYTES: Final = 512 * 1024
# A ping waits for one such message at most: 50 ms where 10 MB/s is the best. Half of it costs a
# tenth of the speed.
LANE_BULK_BYTES: Final = 512 * 1024
# How long a thread of ours may keep others waiting for the interpreter while files move; Python's
# own 5 ms are longer than reading, hashing or sealing a message takes.
SWITCH_SECONDS: Final = 0.0005
# The largest that is read
LANE_FRAME_BYTES: Final = LANE_MESSAGE_BYTES + STREAM_PREFIX_BYTES + SEAL_BYTES
# To dial and be recognised; the data channel carries the files meanwhile
LANE_OPEN_SECONDS: Final = 5.0
# To an unproved lane's first frame, as to a guest's first message
LANE_PROOF_SECONDS: Final = 10.0
# Texts waiting, or pongs, before a peer is cut off that reads nothing
LANE_UNREAD_BYTES: Final = 16 * 1024 * 1024
# What the system holds unsent below a lane's frames; more only makes a ping wait longer.
LANE_NOT_SENT_BYTES: Final = 256 * 1024
# Queued in aiortc: more than one of its bursts, so that it never idles; little enough that
# cancelling is prompt.
CHANNEL_QUEUE_BYTES: Final = 8 * CHANNEL_MESSAGE_BYTES
# At the end, for what has come to be written; what is not comes again next time
SINK_CLOSE_SECONDS: Final = 2.0

# --- WebRTC ---------------------------------------------------------------------------------------

# How long the other side gets to close after a goodbye, some round trips of a poor link
FAREWELL_SECONDS: Final = 0.5
# aiortc enforces none of its own: a 4 MiB message was seen to arrive (docs/security.md).
MAX_CHANNEL_MESSAGE_BYTES: Final = 256 * 1024
# At once: control and some files; aiortc was seen to take 500
MAX_CHANNELS: Final = 8
# Beyond the window that aiortc announces (1 MiB): a sender may probe a closed one, and aiortc's own
# looks at it late.
MAX_WINDOW_OVERRUN_BYTES: Final = 256 * 1024
# On our side aiortc never looks at the other's window (RFC 9260, 6.1, rule A): on a network that
# queues much it had more than 1.25 MiB on its way, and the first lost packet made the other end the
# link. That window, less an unfinished message of each stream; at 10 MB/s enough for a round trip
# of 75 ms.
MAX_IN_FLIGHT_BYTES: Final = 768 * 1024

# --- this machine ---------------------------------------------------------------------------------

# A person who changes the Wi-Fi looks at the window meanwhile
NETWORK_WATCH_SECONDS: Final = 3.0
# How late a code that ran out during sleep may vanish after it
SLEEP_WATCH_SECONDS: Final = 3.0
# For goodbyes; then the program ends all the same
SHUTDOWN_SECONDS: Final = 3.0
