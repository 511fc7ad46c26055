"""Text over a link: its messages, how long text is cut into pieces, and the feature itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxim.core import commands as do
from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Reason
from proxim.core.json_text import JSONObject, MessageError, flag_field, text_field
from proxim.core.link.features import LinkFeature, PeerLink, ProtocolBrokenError
from proxim.core.link.messages import MAX_LINK_MESSAGE_BYTES, LinkMessage, Reader
from proxim.core.transitions import Kind

# A piece fits into one message, because a character takes at most 6 bytes in JSON ("\u0000").
TEXT_PIECE_CHARACTERS: Final = 8 * 1024
# This is a long document; anything longer should be sent as a file.
MAX_TEXT_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class TextPiece:
    """A piece of text; `more` means that the same text continues in the next piece."""

    text: str = field(repr=False)
    more: bool = False

    def fields(self) -> JSONObject:
        """Return the message's JSON fields, as LinkMessage says."""
        return {"type": "text", "text": self.text, **({"more": True} if self.more else {})}


def _text_piece(fields: JSONObject) -> TextPiece:
    more = flag_field(fields, "more")
    return TextPiece(text_field(fields, "text", MAX_LINK_MESSAGE_BYTES), more)


def text_to_send(text: str) -> str | None:
    """Return the text as a link carries it; None if it is longer than MAX_TEXT_BYTES.

    Tk and JSON can produce halves of a character: pairs of halves are joined, and a single half is
    replaced.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole if len(whole.encode()) <= MAX_TEXT_BYTES else None


def cut_text(text: str) -> Iterator[TextPiece]:
    """Cut a text into the pieces that carry it, in order; an empty text is one empty piece."""
    last = max(len(text) - 1, 0) // TEXT_PIECE_CHARACTERS
    for index in range(last + 1):
        start = index * TEXT_PIECE_CHARACTERS
        yield TextPiece(text[start : start + TEXT_PIECE_CHARACTERS], more=index < last)


class TextPieces:
    """Joins the pieces of received texts, one text after the other."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._bytes = 0

    def add(self, piece: TextPiece) -> str | None:
        """Add a piece; return the whole text after its last piece, None before.

        Raises MessageError (TOO_LARGE) beyond MAX_TEXT_BYTES.
        """
        self._bytes += len(piece.text.encode())
        if self._bytes > MAX_TEXT_BYTES:
            raise MessageError(Reason.TOO_LARGE, "text")
        # Otherwise endless empty pieces would fill the memory without reaching the limit.
        if piece.text:
            self._pieces.append(piece.text)
        if piece.more:
            return None
        whole = "".join(self._pieces)
        self.clear()
        return whole

    def clear(self) -> None:
        """Forget the pieces of a text that will not be completed."""
        self._pieces.clear()
        self._bytes = 0


class TextExchange(LinkFeature):
    """Sends and receives text. It needs no greeting: any peer with a control channel may use it."""

    word = st.TEXT
    needs_hello = False
    readers: Mapping[str, Reader] = {"text": _text_piece}
    events: frozenset[Kind] = frozenset({ev.SendText})

    def __init__(self) -> None:
        self._links: dict[ev.LinkID, tuple[PeerLink, TextPieces]] = {}

    def link_up(self, link: PeerLink, now: float) -> list[do.Command]:
        """Exchange text over a link from now on."""
        self._links[link.id] = (link, TextPieces())
        return []

    def link_down(self, link: ev.LinkID, reason: Reason, now: float) -> list[do.Command]:
        """Forget the pieces of a text that will not be completed."""
        del self._links[link]
        return []

    def message(self, link: PeerLink, message: LinkMessage, now: float) -> list[do.Command]:
        """Handle a piece of text; a text that never ends breaks the protocol."""
        # `readers` makes no other messages.
        assert isinstance(message, TextPiece)
        try:
            whole = self._links[link.id][1].add(message)
        except MessageError as error:
            raise ProtocolBrokenError(error.reason, error.problem.detail) from None
        return [] if whole is None else [do.Publish(st.TextReceived(link.id, whole))]

    def handle(self, event: object, now: float) -> list[do.Command]:
        """Send a text, or publish why it is impossible."""
        # `events` lists no other events.
        assert isinstance(event, ev.SendText)
        if event.link not in self._links:
            return [do.publish_trouble(Reason.UNSUPPORTED, event.link)]
        link, _ = self._links[event.link]
        text = text_to_send(event.text)
        if text is None:
            return [do.publish_trouble(Reason.TEXT_TOO_LONG, link.id)]
        pieces = [link.send(piece) for piece in cut_text(text)]
        return [*pieces, do.Publish(st.TextSent(link.id, text))]
