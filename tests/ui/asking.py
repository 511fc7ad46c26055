"""A helper that makes the status of the devices that ask to join, as core makes it."""

from proxim.core import status as st
from proxim.core.pairing.prompts import PromptQueue


def asking(*prompts: st.Prompt) -> st.Prompts:
    """Return the status in which these prompts wait for an answer, in order of arrival."""
    queue = PromptQueue()
    assert queue.update(prompts) == ()
    return queue.status
