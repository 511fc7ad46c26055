"""The panel of a host: the QR code, the typed code, their lifetime, their kind and their
network.
"""

from __future__ import annotations

import math
import tkinter
from collections.abc import Callable
from tkinter import ttk
from typing import TYPE_CHECKING, Final

from proxim.core.errors import SENTENCES, Reason
from proxim.core.i18n import after_colon, tr
from proxim.core.pairing.opening import (
    Invitation,
    Invite,
    Network,
    Networks,
    NoInvitation,
    ProofPolicy,
    SessionType,
)
from proxim.ui.qr import Matrix, pgm_image, qr_matrix
from proxim.ui.window.theme import Theme
from proxim.ui.window.widgets import (
    Choice,
    CopyButton,
    PlainText,
    WrapCheck,
    WrapLabel,
    bind_letters,
    command_key,
    lettered,
    set_lettered,
    set_text,
    shortened,
)

if TYPE_CHECKING:
    from proxim.core import events as ev

# Pixels at 100 %: each of the 49 modules of a link in 192.168/16 gets five.
QR_SIDE: Final = 250
# Pixels at 100 % for each module where there is little space. A pixel is 0.26 mm at 96 dpi, so this
# is 0.8 mm; phones read modules from 0.4 mm on at 20 cm, and a screen's pixels vary by a third.
QR_MODULE_MIN: Final = 3
# Pixels at 100 % of the card while it has no QR code.
_CARD_MIN: Final = 150
# Pixels at 100 % of the column beside the QR code: a code of twelve symbols and a whole IPv6
# address fit.
_TEXT_WIDTH: Final = 300
# Pixels at 100 % between the QR code and that column.
_GAP: Final = 20

# Each lifetime is in seconds, then as a key of words and their count.
_LIFETIMES: Final = (
    (15 * 60, "times.minutes", 15),
    (60 * 60, "times.hours", 1),
    (4 * 60 * 60, "times.hours", 4),
    (24 * 60 * 60, "times.days", 1),
)
_KINDS: Final = {
    SessionType.ONE_TIME: "invite.oneTime",
    SessionType.TEMPORARY: "invite.temporary",
    SessionType.PERSISTENT: "invite.persistent",
}
_DEFAULT_LIFETIME: Final = _LIFETIMES[0][0]


def kind_options() -> tuple[tuple[str, str], ...]:
    """Return the kinds of codes in words, each with its value."""
    lives = ((tr(unit, count=count), seconds) for seconds, unit, count in _LIFETIMES)
    return (
        (tr("invite.oneTimeUntil"), SessionType.ONE_TIME.value),
        *(
            (tr("invite.temporaryUntil", time=life), f"{SessionType.TEMPORARY} {seconds}")
            for life, seconds in lives
        ),
        (tr("invite.persistentUntil"), SessionType.PERSISTENT.value),
    )


def life_text(expires: float | None, now: float) -> str:
    """Return the words for how long a code is still valid."""
    if expires is None:
        return tr("invite.validUntilEnded")
    left = math.ceil(expires - now)
    if left <= 0:
        return tr("invite.expired")
    hours, rest = divmod(left, 3600)
    minutes, seconds = divmod(rest, 60)
    return tr(
        "invite.validFor",
        time=f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}",
    )


def network_text(network: Network) -> str:
    """Return the words for a network that a person may choose."""
    named = f"{network.address} · {network.interface}"
    return tr("invite.virtual", network=named) if network.virtual else named


class InvitePanel(ttk.Frame):
    """Shows the QR code, the host code, and the choices for a new one."""

    def __init__(
        self,
        master: tkinter.Misc,
        theme: Theme,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
    ) -> None:
        super().__init__(master)
        self._theme = theme
        self._post = post
        self._clock = clock
        self._invitation: Invitation | None = None
        # The modules of the QR code that is shown.
        self._matrix: Matrix | None = None
        self._networks = Networks((), None)
        # This is the lifetime that was last chosen for a temporary session.
        self._lifetime = _DEFAULT_LIFETIME
        self._type = SessionType.ONE_TIME
        px = theme.px
        self.columnconfigure(1, weight=1)
        self._side_length = px(QR_SIDE)
        self._stacked = False
        # The card is white and stays as it is when a code is replaced, so that nothing moves.
        self._card = ttk.Frame(
            self, width=self._side_length, height=self._side_length, style="Card.TFrame"
        )
        self._card.grid(row=0, column=0, sticky="n")
        self._card.pack_propagate(False)
        self._image: tkinter.PhotoImage | None = None
        self._qr = tkinter.Label(self._card, background="white", borderwidth=0)
        self._message: WrapLabel | None = None
        side = ttk.Frame(self)
        side.grid(row=0, column=1, sticky="nsew", padx=(px(_GAP), 0))
        side.columnconfigure(0, weight=1, minsize=px(_TEXT_WIDTH))
        side.rowconfigure(3, weight=1)
        self._side = side
        self._how = WrapLabel(side, tr("invite.how"), "Quiet.TLabel", px(_TEXT_WIDTH))
        self._how.grid(row=0, column=0, sticky="ew")
        self._build_code(side)
        self._build_choices(side)
        self.no_invitation(tr("invite.preparing"), again=False)

    def _build_code(self, side: ttk.Frame) -> None:
        px = self._theme.px
        self.code = PlainText(side, self._theme)
        key = command_key(self)
        self.code.bind(f"<{key}-c>", lambda _event: self._copy_by_key())
        buttons = self._copies = ttk.Frame(side)
        text, underline = lettered("invite.copyCode")
        self.copy_code = CopyButton(buttons, text, lambda: self._secret(link=False), underline)
        self.copy_code.grid(row=0, column=0, padx=(0, px(8)))
        text, underline = lettered("invite.copyLink")
        self.copy_link = CopyButton(buttons, text, lambda: self._secret(link=True), underline)
        self.copy_link.grid(row=0, column=1)
        self._life = ttk.Label(side, style="Quiet.TLabel")
        self._life.grid(row=3, column=0, sticky="nw", pady=(px(8), 0))

    def _build_choices(self, side: ttk.Frame) -> None:
        px = self._theme.px
        row = ttk.Frame(side)
        row.grid(row=4, column=0, sticky="w")
        self.kind = Choice(row, self._theme, self._choose_kind)
        self.kind.configure(text=tr(_KINDS[self._type]))
        self.kind.offer(kind_options(), self._type)
        self.kind.grid(row=0, column=0, padx=(0, px(8)), sticky="ns")
        self.new_code = ttk.Button(row, command=self.invite)
        set_lettered(self.new_code, "invite.newCode")
        self.new_code.grid(row=0, column=1)
        bind_letters(self.winfo_toplevel(), [self.copy_code, self.copy_link, self.new_code])
        self._network_label: WrapLabel | None = None
        # This exists once there is more than one network to choose from.
        self.network: Choice | None = None
        self._refuses = tkinter.BooleanVar(self, value=False)
        self._shown_as_required = False
        self.refuse = WrapCheck(
            side, self._theme, tr("invite.refuse"), self._refuses, self._choose_policy
        )
        self.refuse.grid(row=6, column=0, sticky="ew", pady=(px(6), 0))

    # --- statuses ---------------------------------------------------------------------------------

    def show_invitation(self, invitation: Invitation) -> None:
        """Show an invitation's code and link."""
        self._invitation = invitation
        self._matrix = qr_matrix(invitation.url)
        self._draw_qr(self._matrix)
        if invitation.code is None:
            self.code.grid_remove()
            self.copy_code.grid_remove()
            set_text(self._how, tr("invite.closed" if invitation.code_closed else "invite.noCode"))
        else:
            length = len(invitation.code)
            self.code.configure(width=length, font=self._theme.code_font(length))
            self.code.put(invitation.code)
            self.code.grid(row=1, column=0, sticky="w", pady=(self._theme.px(6), self._theme.px(8)))
            self.copy_code.grid()
            set_text(self._how, tr("invite.how"))
        self._copies.grid(
            row=2, column=0, sticky="w", pady=(0, 0) if invitation.code else (self._theme.px(12), 0)
        )
        self._how.grid()
        self._type = invitation.type
        set_text(self.kind, tr(_KINDS[invitation.type]))
        self.kind.offer(kind_options(), self._kind_value())
        set_lettered(self.new_code, "invite.newCode")
        self.tick()

    def show_no_invitation(self, status: NoInvitation) -> None:
        """Show why there is no code."""
        if status.reason is None:
            self.no_invitation(tr("invite.joined"), again=True)
        else:
            self.no_invitation(
                SENTENCES[status.reason], again=status.reason is not Reason.NO_NETWORK
            )

    def no_invitation(self, sentence: str, again: bool) -> None:
        """Show a sentence in place of the QR code; `again` offers to invite another device."""
        self._invitation = None
        self._matrix = None
        self._qr.pack_forget()
        if self._message is None:
            width = self._side_length - self._theme.px(40)
            self._message = WrapLabel(self._card, style="Card.TLabel", wraplength=width)
            self._message.configure(justify="center")
        set_text(self._message, sentence)
        self._message.pack(expand=True, fill="both", padx=self._theme.px(20))
        for widget in (self._how, self.code, self._copies):
            widget.grid_remove()
        set_lettered(self.new_code, "invite.inviteAnother" if again else "invite.newCode")
        set_text(self._life, "")

    @property
    def full_size(self) -> tuple[int, int]:
        """The width and height that this asks for with a QR code of QR_SIDE and all beside it."""
        px = self._theme.px
        width = px(QR_SIDE) + px(_GAP) + self._side_width
        return width, max(px(QR_SIDE), self._side.winfo_reqheight())

    @property
    def _side_width(self) -> int:
        """The width of the texts beside the QR code; whether one is broken now changes nothing."""
        least = self._theme.px(_TEXT_WIDTH)
        return max(self._side.winfo_reqwidth(), self.refuse.one_line, least)

    @property
    def low_height(self) -> int:
        """The height with a QR code no higher than the texts beside it; while they are below it,
        that of a large QR code.
        """
        full = self.full_size[1]
        return full if self._stacked else min(full, max(self._least, self._side.winfo_reqheight()))

    @property
    def _least(self) -> int:
        """The side of the smallest QR code that can be scanned."""
        modules = 0 if self._matrix is None else len(self._matrix)
        return max(self._theme.px(_CARD_MIN), self._theme.px(QR_MODULE_MIN) * modules)

    def fit(self, width: int, height: int | None) -> None:
        """Fit into a width and, if that is possible, into a height.

        The QR code shrinks until its modules have QR_MODULE_MIN pixels. If it and the texts have no
        place beside one another, the texts go below it.
        """
        px = self._theme.px
        least = self._least
        beside = width - px(_GAP) - self._side_width
        stacked = beside < least
        room = width if stacked else beside
        length = max(least, min(px(QR_SIDE), room, px(QR_SIDE) if height is None else height))
        if stacked != self._stacked:
            self._stacked = stacked
            self._place_side()
        if length != self._side_length:
            self._side_length = length
            self._card.configure(width=length, height=length)
            if self._message is not None:
                self._message.configure(wraplength=length - px(40))
            if self._matrix is not None:
                self._draw_qr(self._matrix)

    def _place_side(self) -> None:
        gap = self._theme.px(_GAP)
        # Below the QR code the texts take what the window has, and are broken there.
        least = 0 if self._stacked else self._theme.px(_TEXT_WIDTH)
        self._side.columnconfigure(0, minsize=least)
        if self._stacked:
            self._side.grid(row=1, column=0, columnspan=2, padx=0, pady=(gap // 2, 0))
        else:
            self._side.grid(row=0, column=1, columnspan=1, padx=(gap, 0), pady=0)

    def close_menus(self) -> None:
        """Close open menus."""
        self.kind.close()
        if self.network is not None:
            self.network.close()

    def show_networks(self, networks: Networks) -> None:
        """Show the network on which the code can be used, and the other networks."""
        self._networks = networks
        chosen = next((one for one in networks.networks if one.address == networks.chosen), None)
        text = ""
        if networks.networks:
            text = (
                tr("invite.network", network=network_text(chosen))
                if chosen
                else tr("invite.networkNone")
            )
        px, theme = self._theme.px, self._theme
        place = {"row": 5, "column": 0, "pady": (px(8), 0)}
        if len(networks.networks) > 1:
            if self.network is None:
                self.network = Choice(self._side, theme, self._choose_network)
            if self._network_label is not None:
                self._network_label.grid_remove()
                # The Tab key follows what is seen.
                self.refuse.lift()
            self.network.grid(sticky="w", **place)  # type: ignore[arg-type]
            set_text(self.network, shortened(text, theme.body, px(_TEXT_WIDTH - 50)))
            self.network.offer(
                tuple((network_text(one), one.address) for one in networks.networks),
                networks.chosen,
            )
            return
        if self.network is not None:
            self.network.grid_remove()
        if self._network_label is None:
            self._network_label = WrapLabel(self._side, "", "Quiet.TLabel", px(_TEXT_WIDTH))
        self._network_label.grid(sticky="ew", **place)  # type: ignore[arg-type]
        set_text(self._network_label, text)

    def show_policy(self, policy: ProofPolicy) -> None:
        """Show whether devices that cannot prove that they know the code are refused."""
        self._shown_as_required = policy.required
        self._refuses.set(policy.required)

    @property
    def deadline(self) -> float | None:
        """The moment to which a countdown is shown."""
        return None if self._invitation is None else self._invitation.expires

    def tick(self) -> None:
        """Update the countdown."""
        if self._invitation is not None:
            life = life_text(self._invitation.expires, self._clock())
            closed = self._invitation.code_closed
            set_text(self._life, tr("invite.qrAndLink", life=after_colon(life)) if closed else life)

    # --- actions of the person --------------------------------------------------------------------

    def invite(self) -> None:
        """Ask for a new code of the kind that is shown."""
        lifetime = float(self._lifetime) if self._type is SessionType.TEMPORARY else None
        self._post(Invite(self._type, lifetime))

    def _choose_kind(self, value: str) -> None:
        name, _, seconds = value.partition(" ")
        self._type = SessionType(name)
        if seconds:
            self._lifetime = int(seconds)
        self.invite()

    def _choose_network(self, address: str) -> None:
        # This is imported late, as the first paint needs no intents.
        from proxim.core.events import ChooseNetwork

        self._post(ChooseNetwork(address))

    def _choose_policy(self) -> None:
        from proxim.core.events import SetRequireProof

        # The current value comes from the newest status, not from the click.
        self._refuses.set(self._shown_as_required)
        self._post(SetRequireProof(not self._shown_as_required))

    def _kind_value(self) -> str:
        return (
            f"{self._type} {self._lifetime}"
            if self._type is SessionType.TEMPORARY
            else self._type.value
        )

    def _secret(self, *, link: bool) -> str | None:
        if self._invitation is None:
            return None
        return self._invitation.url if link else self._invitation.code

    def _copy_by_key(self) -> str | None:
        if self.code.selection_present():
            # Tk's own binding copies the selected part.
            return None
        self.copy_code.copy()
        return "break"

    def restyle(self) -> None:
        """Apply the current palette."""
        self.code.restyle()

    def _draw_qr(self, matrix: Matrix) -> None:
        # Each module gets whole pixels, as its edges would blur otherwise.
        zoom = max(1, self._side_length // len(matrix))
        image = tkinter.PhotoImage(master=self, data=pgm_image(matrix), format="PPM").zoom(zoom)
        # Otherwise Tk asks the X server for each of 256 colours, one after the other: 20 ms.
        image.configure(palette="2")
        self._qr.configure(image=image)
        self._image = image
        if self._message is not None:
            self._message.pack_forget()
        self._qr.pack(expand=True, fill="both")
