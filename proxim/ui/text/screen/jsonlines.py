"""Shared screens as JSON lines: the events `screen`, and the commands `screen_...`.

No share's id and no input is in any of them.
"""

from collections.abc import Callable
from typing import Final

from proxim.core import events as ev
from proxim.core import status as st
from proxim.core.errors import Problem, Reason
from proxim.core.json_text import (
    JSONObject,
    MessageError,
    flag_field,
    integer_field,
    text_field,
)
from proxim.core.pairing.devices import Verified
from proxim.core.sanitize import display_id
from proxim.core.screen import events as screen_ev
from proxim.core.screen import sight
from proxim.core.screen import status as screen_st
from proxim.core.screen.events import Grant
from proxim.core.screen.messages import Monitor
from proxim.core.screen.status import ScreenStage, needs_second_step
from proxim.core.screen.updates import MAX_SIDE
from proxim.ui.text.jsonlines import read_link
from proxim.ui.text.model import FaceModel
from proxim.ui.text.screen.shares import Shares

_STATES: Final = {
    ScreenStage.ASKING: "asking",
    ScreenStage.OFFERED: "offered",
    ScreenStage.VIEWED: "viewing",
    ScreenStage.CONTROLLED: "control",
    ScreenStage.PAUSED: "paused",
    ScreenStage.ENDED: "ended",
}
_GRANTS: Final = {"view": Grant.VIEW, "control": Grant.CONTROL, "no": Grant.NOTHING}
_LONGEST_WORD: Final = 16
# What is seen here says how well it arrives as often as what is shown.
_FIGURES_SECONDS: Final = 1.0
_HIGHEST: Final = 2**31


class ScreenLines:
    """Writes what becomes of shared screens, and carries out the commands about them.

    `event` writes an event `screen`; `moment` is how moments are written; `problem` writes an
    error.
    """

    def __init__(
        self,
        model: FaceModel,
        post: Callable[[ev.Intent], None],
        clock: Callable[[], float],
        event: Callable[[dict[str, object]], None],
        moment: Callable[[float], str],
        problem: Callable[[Problem], None],
    ) -> None:
        self._model = model
        self._post = post
        self._clock = clock
        self._event = event
        self._moment = moment
        self._problem = problem
        self._shares = Shares()
        # What arrives of each screen that is seen here, and when its figures were written last.
        self._sights: dict[ev.LinkID, sight.Sight] = {}
        self._written: dict[ev.LinkID, float] = {}

    # --- events -----------------------------------------------------------------------------------

    def show(self, status: st.FeatureStatus) -> None:
        """Write a new status."""
        self._shares.note(status)
        match status:
            case screen_st.ScreenQuestion():
                asker = self._model.links.get(status.link)
                differed = asker is not None and asker.digits_differed
                self._event(
                    {
                        "state": "asked",
                        "direction": "out",
                        "link": status.link,
                        "question": status.number,
                        "name": status.peer_name,
                        "verified": status.verified,
                        "control": status.control,
                        "second_step": status.second_step,
                        "expiresAt": self._moment(status.deadline),
                        **({"digits_differed": True} if differed else {}),
                    }
                )
            case screen_st.ScreenAnswered(link, number):
                self._event(
                    {"state": "answered", "direction": "out", "link": link, "question": number}
                )
            case screen_st.ScreenShare():
                if status.stage is ScreenStage.ENDED and not status.shows:
                    self._sights.pop(status.link, None)
                    self._written.pop(status.link, None)
                self._event(_share_fields(status))
            case sight.SharingFigures(link, figures):
                self._write_figures(link, figures, shows=True)
            case sight.ScreenSight(link, arriving):
                self._sights[link] = arriving
                # They are counted over a second.
                self._written[link] = self._clock()
            case sight.PicturesReady(link) if link in self._sights:
                # Nobody draws them, but they have to be taken for more to come.
                self._sights[link].take()
                self._sights[link].drawn()
                if self._clock() >= self._written[link] + _FIGURES_SECONDS:
                    self._written[link] = self._clock()
                    self._write_figures(link, self._sights[link].figures(), shows=False)
            case _:
                pass

    def _write_figures(self, link: ev.LinkID, figures: sight.Figures, *, shows: bool) -> None:
        share = self._shares.newest(link, shows=shows)
        if share is None:
            # They were counted before it ended.
            return
        self._event(
            {
                "state": _STATES[share.stage],
                "direction": _direction(shows=shows),
                "link": link,
                "figures": {
                    "frames": round(figures.frames_per_second, 1),
                    "megabits": round(figures.megabits_per_second, 2),
                    "delay": figures.delay_milliseconds,
                },
            }
        )

    # --- commands ---------------------------------------------------------------------------------

    def command(self, kind: str, fields: JSONObject) -> bool:
        """Carry out a command; return False if there is none of this type. Raises MessageError."""
        command = _COMMANDS.get(kind)
        if command is None:
            return False
        command(self, fields, read_link(fields))
        return True

    def _ask(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        control = flag_field(fields, "control")
        self._begin(link, lambda chosen: screen_ev.AskScreen(chosen, control))

    def _show(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        self._begin(link, screen_ev.ShowScreen)

    def _begin(self, link: ev.LinkID | None, intent: Callable[[ev.LinkID], ev.LinkIntent]) -> None:
        open_links = [one.link for one in self._model.connected if link in (None, one.link)]
        if not open_links:
            self._problem(Problem(Reason.NOT_CONNECTED))
            return
        if len(open_links) > 1:
            # Nobody shows their screen to everybody because a field is missing.
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        reason = self._model.begin(intent(open_links[0]), st.SCREEN, Reason.SCREENS_UNKNOWN)
        if reason is not None:
            self._problem(Problem(reason))

    def _answer(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        number = integer_field(fields, "question", 1, _HIGHEST)
        grant = _GRANTS.get(text_field(fields, "grant", _LONGEST_WORD))
        if grant is None:
            raise MessageError(Reason.BAD_MESSAGE, "grant must be view, control or no")
        knowing = flag_field(fields, "knowing")
        asked = [
            one
            for one in self._shares.questions.values()
            if one.number == number and link in (None, one.link)
        ]
        if len(asked) > 1:
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        if not asked:
            self._problem(Problem(Reason.PROMPT_GONE))
            return
        if grant is Grant.CONTROL and not self._may_control(asked[0].verified, knowing=knowing):
            return
        # A second answer finds that the first was given.
        del self._shares.questions[asked[0].link]
        self._post(screen_ev.AnswerScreen(asked[0].link, number, grant, knowing))

    def _let_control(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        knowing = flag_field(fields, "knowing")
        shown = self._shown_in(link, ScreenStage.OFFERED, ScreenStage.VIEWED)
        if len(shown) > 1:
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        for one in shown:
            status = self._model.links.get(one)
            verified = None if status is None else status.verified
            if self._may_control(verified, knowing=knowing):
                self._post(screen_ev.LetControl(one, knowing))

    def _may_control(self, verified: Verified | None, *, knowing: bool) -> bool:
        """Whether control can be given by this command; the reason is written if it cannot."""
        if verified is None:
            self._problem(Problem(Reason.CONTROL_UNVERIFIED))
            return False
        if needs_second_step(verified) and not knowing:
            raise MessageError(
                Reason.BAD_MESSAGE, "knowing must be true: the page there may have been altered"
            )
        return True

    def _stop_control(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        # Control may be allowed before anybody looks, and during a pause.
        stages = ScreenStage.CONTROLLED, ScreenStage.OFFERED, ScreenStage.PAUSED
        for one in self._shown_in(link, *stages):
            self._post(screen_ev.StopControl(one))

    def _pause(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        for one in self._shown_in(link, ScreenStage.VIEWED, ScreenStage.CONTROLLED):
            self._post(screen_ev.PauseScreen(one))

    def _go_on(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        for one in self._shown_in(link, ScreenStage.PAUSED):
            self._post(screen_ev.GoOnShowing(one))

    def _shown_in(self, link: ev.LinkID | None, *stages: ScreenStage) -> list[ev.LinkID]:
        """Return the links on which this device's screen is in one of these stages; an error is
        written if there is none.
        """
        found = [one for one in self._shares.in_stage(*stages) if link in (None, one)]
        if not found:
            self._problem(Problem(Reason.SCREEN_IDLE))
        return found

    def _stop(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        both = {**self._shares.shown, **self._shares.seen}
        found = [one for one in both if link in (None, one)]
        for one in found:
            self._post(screen_ev.StopScreen(one))
        if not found:
            self._problem(Problem(Reason.SCREEN_IDLE))

    def _look(self, fields: JSONObject, link: ev.LinkID | None) -> None:
        seen = [
            share
            for share in self._shares.seen.values()
            if share.monitors and link in (None, share.link)
        ]
        if not seen:
            self._problem(Problem(Reason.SCREEN_IDLE))
            return
        if len(seen) > 1:
            raise MessageError(Reason.BAD_MESSAGE, "link is needed while there are several")
        (share,) = seen
        number = share.monitor if fields.get("monitor") is None else fields["monitor"]
        monitor = next((one for one in share.monitors if one.id == number), None)
        if type(number) is not int or monitor is None:
            raise MessageError(Reason.BAD_MESSAGE, "monitor must be the id of one in monitors")
        width, height = (
            own if fields.get(name) is None else integer_field(fields, name, 1, MAX_SIDE)
            for name, own in (("width", monitor.width), ("height", monitor.height))
        )
        self._post(screen_ev.LookAt(share.link, monitor.id, width, height))


_COMMANDS: Final[dict[str, Callable[[ScreenLines, JSONObject, ev.LinkID | None], None]]] = {
    "screen_ask": ScreenLines._ask,
    "screen_show": ScreenLines._show,
    "screen_answer": ScreenLines._answer,
    "screen_let_control": ScreenLines._let_control,
    "screen_stop_control": ScreenLines._stop_control,
    "screen_pause": ScreenLines._pause,
    "screen_go_on": ScreenLines._go_on,
    "screen_stop": ScreenLines._stop,
    "screen_look": ScreenLines._look,
}


def _direction(*, shows: bool) -> str:
    return "out" if shows else "in"


def _share_fields(status: screen_st.ScreenShare) -> dict[str, object]:
    fields: dict[str, object] = {
        "state": _STATES[status.stage],
        "direction": _direction(shows=status.shows),
        "link": status.link,
    }
    if status.reason is not None:
        fields["reason"] = status.reason
    if status.monitors:
        fields["monitor"] = status.monitor
        fields["monitors"] = [_monitor_fields(one) for one in status.monitors]
    return fields


def _monitor_fields(monitor: Monitor) -> dict[str, object]:
    return {**monitor.fields(), "name": display_id(monitor.name)}
