"""What the faces of lines know of shared screens: the newest of each link, and the questions."""

from proxim.core import events as ev
from proxim.core.screen import status as screen_st
from proxim.core.screen.status import ScreenStage
from proxim.core.status import FeatureStatus


class Shares:
    """The newest status of each shared screen, and the questions that are open."""

    def __init__(self) -> None:
        # Each link has at most one, in the order of their arrival.
        self.questions: dict[ev.LinkID, screen_st.ScreenQuestion] = {}
        # Screens of this device, and of others. Those that ended are not in here.
        self.shown: dict[ev.LinkID, screen_st.ScreenShare] = {}
        self.seen: dict[ev.LinkID, screen_st.ScreenShare] = {}

    def note(self, status: FeatureStatus) -> screen_st.ScreenShare | None:
        """Take in a new status; return the earlier one of the same shared screen."""
        match status:
            case screen_st.ScreenQuestion(link):
                self.questions[link] = status
            case screen_st.ScreenAnswered(link):
                self.questions.pop(link, None)
            case screen_st.ScreenShare(link, shows):
                shares = self.shown if shows else self.seen
                before = shares.pop(link, None)
                if status.stage is not ScreenStage.ENDED:
                    shares[link] = status
                return before
            case _:
                pass
        return None

    def newest(self, link: ev.LinkID, *, shows: bool) -> screen_st.ScreenShare | None:
        """Return this device's screen on this link, or the other's, unless it is over."""
        return (self.shown if shows else self.seen).get(link)

    def in_stage(self, *stages: ScreenStage) -> list[ev.LinkID]:
        """Return the links on which this device's screen is in one of these stages."""
        return [link for link, share in self.shown.items() if share.stage in stages]
