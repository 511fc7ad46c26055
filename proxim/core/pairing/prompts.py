"""Which waiting requests a person is asked about, and in which order.

A guest that proved that it knows the code comes before those that did not. Of the others one is
shown and a few wait, so that nobody can hide an honest device behind a pile of names.
"""

from collections.abc import Iterable
from typing import Final

from proxim.core import status as st

# Each session has one request, so a person who invites this many devices at once can still answer
# all of them in 40 seconds. A device that was turned away may ask again.
UNVERIFIED_QUEUED: Final = 3


class PromptQueue:
    """The requests of a host that wait for an answer."""

    def __init__(self) -> None:
        # The requests are in order of arrival.
        self._prompts: tuple[st.Prompt, ...] = ()

    def update(self, open_prompts: Iterable[st.Prompt]) -> tuple[st.Prompt, ...]:
        """Take over the requests that are open now, and return those that are too many.

        The caller has to decline these; they are not in the queue. A session's later request queues
        behind the requests that were there before it.
        """
        prompts = tuple(open_prompts)
        queued = [one for one in self._prompts if one in prompts]
        surplus: list[st.Prompt] = []
        for prompt in prompts:
            if prompt in queued:
                continue
            unverified = sum(1 for one in queued if one.verified is None)
            if prompt.verified is None and unverified > UNVERIFIED_QUEUED:
                surplus.append(prompt)
            else:
                queued.append(prompt)
        self._prompts = tuple(queued)
        return tuple(surplus)

    @property
    def status(self) -> st.Prompts:
        """Which requests are shown: all that proved themselves, or else the first that did not."""
        verified = tuple(one for one in self._prompts if one.verified is not None)
        unverified = tuple(one for one in self._prompts if one.verified is None)
        if verified:
            return st.Prompts(verified, unverified)
        return st.Prompts(unverified[:1], unverified[1:])
