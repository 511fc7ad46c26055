"""A gate that limits what Proxim sends, for tests that need a transfer to be under way for sure.

`Gate.command` starts the real program in place of `proxim.py`. While the gate is closed, each
stream of a transfer stops after the bytes that the gate allows, as if the receiver acknowledged
nothing more. The link stays open, and the test can act in the middle of the transfer, however fast
or busy the machine is. Everything else in the program is unchanged.
"""

import asyncio
import os
import sys
from pathlib import Path
from typing import Final

LOOK_SECONDS: Final = 0.01


class Gate:
    """Closed while the file `path` exists; the file says how many bytes of a stream may pass."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def command(self) -> tuple[str, ...]:
        """The command that starts Proxim behind this gate, from the root of the repository."""
        return (sys.executable, "-m", "tests.gate", str(self._path))

    def close_after(self, count: int) -> None:
        """Let `count` bytes of each stream pass, and no more until the gate is opened."""
        # The file is replaced in one step, so that no program reads half of it.
        new = self._path.with_suffix(".new")
        new.write_text(str(count))
        os.replace(new, self._path)

    def open(self) -> None:
        """Let all bytes pass from now on."""
        self._path.unlink()

    @property
    def allowed(self) -> int | None:
        """How many bytes of a stream may pass, or None if there is no limit."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return None


def main(arguments: list[str]) -> int:
    """Run Proxim with these arguments, without the first, which is the path of the gate's file."""
    from proxim.app import main as cli
    from proxim.io.files.sender import Sending

    gate = Gate(Path(arguments[0]))
    wait_for_room = Sending._wait_for_room

    def passes(count: int) -> bool:
        return (allowed := gate.allowed) is None or count <= allowed

    async def wait_for_gate(sending: Sending, size: int) -> None:
        await wait_for_room(sending, size)
        # The test that opens the gate is another process, so this loop can only watch the file.
        while not passes(sending._sent + size):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)

    Sending._wait_for_room = wait_for_gate  # type: ignore[assignment, method-assign]
    return cli.main(arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
