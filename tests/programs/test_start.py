"""The modules that are loaded before the first paint: nothing else may delay the code."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import pytest

from tests.paths import ROOT
from tests.programs.program import PATIENCE
from tests.ui.tk_support import NoScreenError, xvfb

# This is the real program, as `python proxim.py` starts it. After painting its code it prints which
# modules it has loaded, and ends.
#
# It must not give the paint up on a busy machine, where that takes longer than the loop waits.
TELL: Final = f"""
import json, os, sys
from proxim.app import bridge
from proxim.app.bridge import Bridge

assert bridge.PAINT_SECONDS
bridge.PAINT_SECONDS = {PATIENCE}

def painted(bridge):
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)

Bridge.painted = painted
from proxim.app.main import main
main([])
"""
# These modules of the package are loaded, and no others. A new one delays every start, so it
# belongs here only if the first paint needs it.
PAINTED: Final = {
    "proxim",
    "proxim.languages",
    *(
        f"proxim.app{name}"
        for name in (
            "",
            ".bridge",
            ".desktop",
            ".host_options",
            ".language",
            ".logs",
            ".main",
            ".startup",
            ".wakeup",
        )
    ),
    *(
        f"proxim.core{name}"
        for name in (
            *("", ".base64url", ".errors", ".i18n", ".sanitize"),
            *(".pairing", ".pairing.devices", ".pairing.guess_budget", ".pairing.host_code"),
            ".pairing.invite_link",
            *(".pairing.invitations", ".pairing.opening"),
        )
    ),
    *(
        f"proxim.io{name}"
        for name in (
            *("", ".trace", ".pairing", ".pairing.listener", ".pairing.opening"),
            *(".system", ".system.addresses", ".system.config_file", ".system.settings"),
            *(".system.kernel_addresses", ".system.user_folders"),
            # Whether another window is open has to be known before one is made.
            *(".desktop", ".desktop.instance", ".system.file_lock"),
        )
    ),
    *(f"proxim.ui{name}" for name in ("", ".qr")),
    *(
        f"proxim.ui.window{name}"
        for name in (
            *("", ".appearance", ".attention", ".device_bar", ".drop", ".home", ".pages", ".root"),
            *(".scroll_area", ".tabs", ".theme", ".widgets", ".window"),
            *(".pairing", ".pairing.invite"),
            *(".pairing.join", ".pairing.steps"),
        )
    ),
}
# Of the libraries, these may be loaded. From the standard library, the slow modules are excluded.
THIRD_PARTY: Final = {"qrcode"}
NOT_BEFORE_THE_CODE: Final = {
    *("asyncio", "argparse", "email", "http", "ssl", "uvloop", "websockets"),
    # These come with ifaddr and platformdirs, which Linux does not need before the code, and with
    # the identity that a first start makes.
    *("shutil", "tempfile", "platform", "uuid"),
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[set[str]]:
    """Return the names of all modules loaded at the moment when the code is on the screen."""
    home = tmp_path_factory.mktemp("home")
    try:
        for display in xvfb(96):
            done = subprocess.run(
                [sys.executable, "-c", TELL],
                cwd=ROOT,
                env={
                    **os.environ,
                    **{f"XDG_{kind}_HOME": str(home) for kind in ("CONFIG", "STATE", "DATA")},
                    "DISPLAY": display,
                },
                capture_output=True,
                text=True,
                check=True,
            )
            yield set(json.loads(done.stdout))
    except NoScreenError as error:
        pytest.skip(str(error))


def test_the_first_paint_loads_what_it_paints(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.split(".")[0] == "proxim"}
    assert (ours - PAINTED, PAINTED - ours) == (set(), set())


def test_no_library_comes_before_the_code_that_it_does_not_need(loaded: set[str]) -> None:
    tops = {name.split(".")[0] for name in loaded}
    known = {*sys.stdlib_module_names, "proxim", "__main__", *THIRD_PARTY}
    others = {name for name in tops - known if not name.startswith("_distutils_hack")}
    assert (others, tops & NOT_BEFORE_THE_CODE) == (set(), set())
