"""The face of `proxim devices`: it lists known devices and changes what is kept of them, as lines
for people or as JSON lines.

It looks for the devices for some seconds before it lists them, and not at all when something is to
be changed.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TextIO

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import SENTENCES, Problem, ProximError, Reason
from proxim.core.i18n import tr
from proxim.core.known import events as known_ev
from proxim.core.known import status as known_st
from proxim.core.known.choosing import chosen_device
from proxim.core.known.status import KnownEntry, Presence
from proxim.core.pairing.devices import KnownID, Verified
from proxim.ui.text.console import Colour, Console, Lines
from proxim.ui.text.jsonlines import event_line, is_unicode
from proxim.ui.text.known.jsonlines import list_fields
from proxim.ui.text.model import ExitStatus, FaceModel, FaceOptions, Role
from proxim.ui.text.output import Output
from proxim.ui.wording import name_words

# Seconds. A device that hears the question answers within half a second (RFC 6762, section 6); this
# allows for two questions that were lost, and for a slow start of the search.
LOOK_SECONDS: Final = 3.0
_PRESENCES: Final = {
    Presence.UNKNOWN: ("devices.presenceUnknown", None),
    Presence.AWAY: ("devices.presenceAway", None),
    Presence.REACHABLE: ("devices.presenceReachable", Colour.GREEN),
    Presence.LINKED: ("devices.presenceLinked", Colour.GREEN),
}
# Other programs go on with what they could not save until they end. This one ends at once.
_ENDING: Final = {
    Reason.KNOWN_UNWRITABLE: "devices.notSaved",
    Reason.SETTINGS_UNWRITABLE: "devices.noSettings",
    Reason.SETTINGS_FOREIGN: "devices.noSettings",
}
# After these nobody can say which devices are known.
_UNKNOWABLE: Final = frozenset(
    {Reason.KNOWN_UNREADABLE, Reason.SETTINGS_UNWRITABLE, Reason.SETTINGS_FOREIGN}
)
_VERIFIED: Final = {
    Verified.CODE: "devices.byCode",
    Verified.QR: "devices.byQR",
    Verified.KNOWN: "devices.byKey",
}


@dataclass(frozen=True, slots=True)
class DevicesWish:
    """What `proxim devices` was asked for; a change that is None was not asked for."""

    # The name or id of the only device that is meant.
    device: str | None = None
    rename: str | None = None
    forget: bool = False
    let_in: bool | None = None
    # The folder, or "" to ask about its files.
    files_to: str | None = None
    discovery: bool | None = None

    @property
    def changes(self) -> bool:
        """Whether anything is to be changed."""
        changes = (self.rename, self.let_in, self.files_to, self.discovery)
        return self.forget or any(one is not None for one in changes)


class DevicesFace:
    """Lists known devices, or changes them, and ends.

    `clock` is monotonic; `columns` returns the terminal's width; `linked_elsewhere` asks the
    person's window which devices it is linked with, since this program makes no links.
    """

    def __init__(
        self,
        wish: DevicesWish,
        post: Callable[[ev.Intent], None],
        out: TextIO,
        clock: Callable[[], float],
        *,
        json: bool,
        environ: Mapping[str, str],
        columns: Callable[[], int],
        linked_elsewhere: Callable[[], frozenset[KnownID]] = frozenset,
    ) -> None:
        self.model = FaceModel(FaceOptions(Role.JOIN), post, clock)
        self._wish = wish
        self._post = post
        self._clock = clock
        self._json = json
        self._linked_elsewhere = linked_elsewhere
        self._output = Output(out, self.model)
        self._lines = Lines(Console(out, environ, columns), self._output.write)
        self._ascii_only = not is_unicode(getattr(out, "encoding", None))
        # Until when is looked for the devices.
        self._look_until: float | None = None
        # The device that is changed, as it was before.
        self._changed: KnownEntry | None = None
        self._failed = False

    # --- what happens -----------------------------------------------------------------------------

    def start(self) -> None:
        """Wait for the list of known devices."""

    def show(self, status: st.Status) -> None:
        """Note a new status."""
        first = self.model.known is None
        self.model.note(status)
        match status:
            case known_st.KnownList() if first and not self.model.closing:
                self._begin(status)
            case st.Trouble(problem):
                # What is said before the end was not about a change.
                self._failed = self._failed or self.model.closing
                self._show_problem(problem)
                if problem.reason in _UNKNOWABLE:
                    self._failed = True
                    self.model.close(ExitStatus.FAILED)
            case st.Stopped():
                self._end()
            case _:
                pass
        # After the model has closed, this only notes the end.
        self.model.follow_up(status)
        self.catch_up()

    def catch_up(self) -> None:
        """List the devices once all were found, or the time is over."""
        known = self.model.known
        if self._look_until is None or known is None or self.model.closing:
            return
        found = all(one.presence is not Presence.AWAY for one in self._meant(known))
        unsure = any(one.presence is Presence.UNKNOWN for one in self._meant(known))
        if known.trouble is not None or (found and not unsure) or self._clock() >= self._look_until:
            self._list(known)
            self.model.close(ExitStatus.DONE)

    def line(self, text: str) -> None:
        """Ignore a line of stdin, as nothing is asked."""

    def line_was_cut(self) -> None:
        """Ignore a line of stdin, as nothing is asked."""

    def end_of_input(self) -> None:
        """Go on: everything that was wanted stands in the command line."""

    # --- what is wanted ---------------------------------------------------------------------------

    def _begin(self, known: known_st.KnownList) -> None:
        try:
            if self._wish.device is not None:
                self._changed = chosen_device(known.devices, self._wish.device)
        except ProximError as error:
            self._show_problem(error.problem)
            self.model.close(ExitStatus.USAGE)
            return
        if self._wish.changes:
            for intent in self._intents():
                self._post(intent)
            # What the disk says comes before the end.
            self.model.close(ExitStatus.FAILED)
        elif not known.devices or not known.discovery:
            self._list(known)
            self.model.close(ExitStatus.DONE)
        else:
            self._look_until = self._clock() + LOOK_SECONDS
            self._post(known_ev.LookForDevices(True))

    def _intents(self) -> list[ev.Intent]:
        wish, intents = self._wish, list[ev.Intent]()
        if wish.discovery is not None:
            intents.append(known_ev.SetDiscovery(wish.discovery))
        if self._changed is not None:
            device = self._changed.id
            if wish.rename is not None:
                intents.append(known_ev.RenameKnown(device, wish.rename))
            if wish.let_in is not None:
                intents.append(known_ev.SetLetIn(device, wish.let_in))
            if wish.files_to is not None:
                intents.append(known_ev.SetFilesTo(device, wish.files_to or None))
            if wish.forget:
                intents.append(known_ev.ForgetDevice(device))
        return intents

    def _end(self) -> None:
        """Say what was changed, once it is certain."""
        if not self._wish.changes or self._failed or self.model.exit_status == ExitStatus.USAGE:
            return
        if self.model.known is None:
            # The network side has ended before it knew anything.
            return
        self.model.exit_status = ExitStatus.DONE
        if self._json:
            self._event("known_devices", list_fields(self.model.known))
            return
        wish = self._wish
        if wish.discovery is not None:
            self._lines.say(tr("devices.discoveryOn" if wish.discovery else "devices.discoveryOff"))
        if self._changed is not None:
            self._say_changes(self._changed, self.model.known)

    def _say_changes(self, before: KnownEntry, known: known_st.KnownList) -> None:
        wish, name = self._wish, before.name
        if wish.rename is not None:
            # Two devices cannot have one name, so it may have got another.
            new = next((one.name for one in known.devices if one.id == before.id), wish.rename)
            self._lines.say(tr("devices.renamed", name=name, new=new))
            name = new
        if wish.let_in is not None:
            key = "devices.nowLetIn" if wish.let_in else "devices.nowAsked"
            self._lines.say(tr(key, name=name))
        if wish.files_to is not None and wish.files_to:
            self._lines.say(tr("devices.nowFilesTo", name=name, folder=name_words(wish.files_to)))
        elif wish.files_to is not None:
            self._lines.say(tr("devices.nowFilesAsked", name=name))
        if wish.forget:
            self._lines.say(tr("devices.forgotten", name=name))

    # --- the list ---------------------------------------------------------------------------------

    def _meant(self, known: known_st.KnownList) -> list[KnownEntry]:
        wanted = self._changed
        return [one for one in known.devices if wanted is None or one.id == wanted.id]

    def _list(self, known: known_st.KnownList) -> None:
        linked = self._linked_elsewhere()
        meant = [
            replace(one, presence=Presence.LINKED) if one.id in linked else one
            for one in self._meant(known)
        ]
        if self._json:
            shown = known_st.KnownList(tuple(meant), known.discovery, known.trouble)
            self._event("known_devices", list_fields(shown))
            return
        if not meant:
            self._lines.say(tr("devices.none"))
        for entry in meant:
            say_device(self._lines, entry)
        if not known.discovery:
            self._lines.say(tr("devices.discoveryOff"))
        if known.trouble is not None:
            self._lines.say(SENTENCES[known.trouble])

    def _show_problem(self, problem: Problem) -> None:
        key = _ENDING.get(problem.reason)
        sentence = problem.sentence if key is None else tr(key, why=problem.detail)
        if not self._json:
            self._lines.say(sentence)
            return
        fields: dict[str, object] = {"code": problem.reason, "message": sentence}
        self._event("error", fields | ({"detail": problem.detail} if problem.detail else {}))

    def _event(self, kind: str, fields: dict[str, object]) -> None:
        self._output.write(event_line(kind, fields, ascii_only=self._ascii_only))


def say_device(lines: Lines, entry: KnownEntry) -> None:
    """Say what is kept of a device, and where it is."""
    lines.say(tr("devices.entry", name=entry.name, id=entry.id))
    key, colour = _PRESENCES[entry.presence]
    lines.field(tr("devices.now"), tr(key), colour)
    lines.field(tr("devices.known"), tr(_VERIFIED[entry.verified], moment=_local(entry.since)))
    lines.field(tr("devices.lastSeen"), _local(entry.last_seen))
    lines.field(
        tr("devices.comesIn"), tr("devices.letInUnasked" if entry.let_in else "devices.asked")
    )
    if entry.files_to is None:
        lines.field(tr("devices.files"), tr("devices.asked"))
    else:
        folder = name_words(entry.files_to)
        lines.field(tr("devices.files"), tr("devices.filesUnasked", folder=folder))
    lines.blank()


def _local(moment: float) -> str:
    """Return a moment in Unix seconds as the local date and time of day (ISO 8601)."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment))
