"""Which waiting requests a person is asked about, with the same order and limit in the window and
in the terminal.

A device that proved that it knows the code comes before those that did not. Of the others one is
shown and a few wait, so that nobody can hide an honest device behind a pile of names.
"""

from typing import Final

from proxim.core import status as st

# Each session has one request, so a person who invites this many devices at once can still answer
# all of them in 40 seconds. A device that was turned away may ask again.
UNVERIFIED_QUEUED: Final = 3


class PromptQueue:
    """The requests that wait for an answer, in the order in which they are shown."""

    def __init__(self) -> None:
        # The requests have their session as key and are in order of arrival.
        self._waiting: dict[str, st.Prompt] = {}

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._waiting

    def put(self, prompt: st.Prompt) -> bool:
        """Add a request, which replaces one of the same session.

        It returns False if that is one too many; the caller has to decline it.
        """
        self._waiting.pop(prompt.session_id, None)
        if prompt.verified is None and len(self._unverified()) > UNVERIFIED_QUEUED:
            return False
        self._waiting[prompt.session_id] = prompt
        return True

    def remove(self, session_id: str) -> st.Prompt | None:
        """Remove the request of a session, and return it if there was one."""
        return self._waiting.pop(session_id, None)

    def clear(self) -> None:
        """Remove all requests."""
        self._waiting.clear()

    def shown(self) -> tuple[st.Prompt, ...]:
        """Return the requests to show where several can be shown.

        These are all that proved themselves, or else the first that did not.
        """
        verified = tuple(prompt for prompt in self._waiting.values() if prompt.verified is not None)
        return verified or tuple(self._unverified()[:1])

    @property
    def first(self) -> st.Prompt | None:
        """The request to show where only one can be shown."""
        return next(iter(self.shown()), None)

    def _unverified(self) -> list[st.Prompt]:
        return [prompt for prompt in self._waiting.values() if prompt.verified is None]
