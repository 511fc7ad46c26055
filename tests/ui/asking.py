"""What core tells the faces when devices ask to join."""

from proxim.core import status as st
from proxim.core.pairing.prompts import PromptQueue


def asking(*prompts: st.Prompt) -> st.Prompts:
    """These wait for an answer, and came in this order."""
    queue = PromptQueue()
    assert queue.update(prompts) == ()
    return queue.status
