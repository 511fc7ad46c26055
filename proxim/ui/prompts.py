"""Which of the waiting requests a person is asked about: the same order and limit in the window and
in the terminal.

A device that proved that it knows the code goes before those that did not; of these one is shown
and a few wait, so that nobody buries the honest one under a pile of names.
"""

from typing import Final

from proxim.core import status as st

# Sessions have one request each, so a person who invites this many devices at once can still answer
# all of them in 40 seconds; whoever is turned away may ask again.
UNVERIFIED_QUEUED: Final = 3


class PromptQueue:
    """The requests that wait for an answer, in the order in which they are shown."""

    def __init__(self) -> None:
        # By session, in the order in which they came
        self._waiting: dict[str, st.Prompt] = {}

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._waiting

    def put(self, prompt: st.Prompt) -> bool:
        """Take a request; it replaces one of the same session.

        False where it is one too many, and to be declined.
        """
        self._waiting.pop(prompt.session_id, None)
        if prompt.verified is None and len(self._unverified()) > UNVERIFIED_QUEUED:
            return False
        self._waiting[prompt.session_id] = prompt
        return True

    def remove(self, session_id: str) -> st.Prompt | None:
        """This request is over; it, if it was there."""
        return self._waiting.pop(session_id, None)

    def clear(self) -> None:
        """No request counts any more."""
        self._waiting.clear()

    def shown(self) -> tuple[st.Prompt, ...]:
        """Those to be shown where several can be: all that proved themselves, else the first that
        did not.
        """
        verified = tuple(prompt for prompt in self._waiting.values() if prompt.verified is not None)
        return verified or tuple(self._unverified()[:1])

    @property
    def first(self) -> st.Prompt | None:
        """The one to be shown where only one can be."""
        return next(iter(self.shown()), None)

    def _unverified(self) -> list[st.Prompt]:
        return [prompt for prompt in self._waiting.values() if prompt.verified is None]
