import asyncio
import sys
from pathlib import Path

import pytest

from proxim.io.system.subprocesses import MAX_OUTPUT_BYTES, ToolOutput, run_tool, tool_environment
from tests.io.support import PATIENCE


async def test_a_tool_says_something() -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    output = await run_tool((sys.executable, "-c", script))
    assert output.status == 3
    assert sorted(output.text.split()) == ["err", "out"]


async def test_tools_speak_english() -> None:
    output = await run_tool((sys.executable, "-c", "import os; print(os.environ['LC_ALL'])"))
    assert output.text.strip() == "C"


async def test_a_tool_reads_nothing_from_us() -> None:
    output = await run_tool((sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"))
    assert output.text.strip() == "''"


async def test_what_is_no_text_and_too_much_of_it_is_cut_down() -> None:
    script = f"import sys; sys.stdout.buffer.write(b'\\xff' * {MAX_OUTPUT_BYTES + 5})"
    output = await run_tool((sys.executable, "-c", script))
    assert output.text == "\ufffd" * MAX_OUTPUT_BYTES


@pytest.mark.parametrize("program", ["proxim-has-no-such-tool", "/no/such/folder/tool"])
async def test_a_tool_that_is_not_there(program: str) -> None:
    assert await run_tool((program, "x")) == ToolOutput(None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows goes by the name's ending")
async def test_a_tool_that_cannot_be_started(tmp_path: Path) -> None:
    broken = tmp_path / "tool"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    assert await run_tool((str(broken),)) == ToolOutput(None)


async def test_a_tool_that_hangs_is_ended() -> None:
    # run_tool returns when the process has ended, which would otherwise take a minute.
    async with asyncio.timeout(PATIENCE):
        hangs = "import threading; threading.Event().wait(60)"
        assert await run_tool((sys.executable, "-c", hangs), seconds=0.3) == ToolOutput(None)


def test_an_executable_of_pyinstaller_does_not_lend_its_libraries_to_tools() -> None:
    packed = {"LD_LIBRARY_PATH": "/packed", "LD_LIBRARY_PATH_ORIG": "/own", "HOME": "/home/anna"}
    assert tool_environment(packed, frozen=True)["LD_LIBRARY_PATH"] == "/own"
    assert "LD_LIBRARY_PATH_ORIG" not in tool_environment(packed, frozen=True)
    assert "LD_LIBRARY_PATH" not in tool_environment({"LD_LIBRARY_PATH": "/packed"}, frozen=True)
    assert tool_environment(packed, frozen=False)["LD_LIBRARY_PATH"] == "/packed"
    assert tool_environment(packed, frozen=True)["HOME"] == "/home/anna"
