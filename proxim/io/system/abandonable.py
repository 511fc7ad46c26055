"""Calls what may hang, as on a network disk that is gone, on a thread that nobody waits for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar, cast

_Found = TypeVar("_Found")


async def abandonable(look: Callable[[], _Found]) -> _Found:
    """Return what the function returns, or raise what it raises.

    The loop waits for its own pool's threads at its end, and for this one it need not.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[_Found] = loop.create_future()

    def settle(found: _Found | None, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(cast(_Found, found))

    def run() -> None:
        found, failure = None, None
        try:
            found = look()
        except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited
            failure = error
        # Nobody may wait any more, and the loop may be closed.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, found, failure)

    threading.Thread(target=run, name="proxim-abandonable", daemon=True).start()
    return await answer
