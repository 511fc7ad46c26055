"""Every limit and time-out of the network side, each with its reason; the protocol's own stand with core's machines.

Must never be here: behaviour.
"""

from typing import Final

from proxim.core.messages import MAX_MESSAGE_BYTES
from proxim.net.pace import Pace, Rate

# --- WebSocket -------------------------------------------------------------------------------------------------------

# A frame over MAX_MESSAGE_BYTES gets its `error`; one over this closes the socket before it is read into memory.
HARD_MESSAGE_BYTES: Final = 4 * MAX_MESSAGE_BYTES
RECEIVE_QUEUE: Final = 4  # frames read ahead; TCP holds the rest back
UNREAD_BYTES: Final = 256 * 1024  # what may wait to be sent, pongs too, before a peer that reads nothing is cut off
# What a signaling socket may send, whatever its frames are; beyond, it is cut. Honest ones ping every 5 s at most. The
# machine takes 20 messages a second (burst 60) and answers those beyond, so `frames` is for who goes on all the same,
# or sends a message in very many pieces. `bytes` lets a stranger's 8 messages be as large as any that is read.
SIGNALING_PACE: Final = Pace(
    controls=Rate(per_second=5, burst=20),
    frames=Rate(per_second=100, burst=200),
    bytes=Rate(per_second=HARD_MESSAGE_BYTES, burst=8 * HARD_MESSAGE_BYTES),
)
SEND_QUEUE: Final = 64  # messages a guest may leave unread; an honest pairing has some ten
MAX_SOCKETS: Final = 32  # in all, from the moment they are accepted: a room's guests, and some that only try the door
MAX_SOCKETS_OF_ONE_ADDRESS: Final = (
    8  # so that one device does not take every place; a guest needs one, a browser three
)
# Where all places are taken, whoever holds this many makes room for an address that holds none: an honest device has
# its signaling socket, and perhaps the request for its page beside it.
CROWD_SOCKETS: Final = 3
MAX_REQUEST_BYTES: Final = (
    16 * 1024
)  # an opening request; a browser's is under 1 KiB, another server's cookies may come along
OPEN_SECONDS: Final = 5.0  # for the opening handshake; a LAN needs milliseconds
CLOSE_SECONDS: Final = 1.0  # for the closing handshake; then the socket is dropped
SERVER_PING_SECONDS: Final = 20.0  # finds guests that are gone without a word, so that their prompts go away
CLIENT_PING_SECONDS: Final = 5.0  # a person waits for this answer: notice within 10 s that the host is gone
BACKLOG: Final = 32  # sockets waiting to be accepted; more than a room has devices

# --- WebRTC ----------------------------------------------------------------------------------------------------------

FAREWELL_SECONDS: Final = 0.5  # how long the other side gets to close after a goodbye, some round trips of a poor link
# aiortc enforces none of its own: a 4 MiB message was seen to arrive (docs/security.md).
MAX_CHANNEL_MESSAGE_BYTES: Final = 256 * 1024
MAX_CHANNELS: Final = 8  # at once: control and some files; aiortc was seen to take 500
# Beyond the window that aiortc announces (1 MiB): a sender may probe a closed one, and aiortc's own looks at it late.
MAX_WINDOW_OVERRUN_BYTES: Final = 256 * 1024

# --- this machine ----------------------------------------------------------------------------------------------------

NETWORK_WATCH_SECONDS: Final = 3.0  # a person who changes the Wi-Fi looks at the window meanwhile
SLEEP_WATCH_SECONDS: Final = 3.0  # how late a code that ran out during sleep may vanish after it
SHUTDOWN_SECONDS: Final = 3.0  # for goodbyes; then the program ends all the same
