"""The layer rules (docs/architecture.md), enforced on each module's syntax tree.

Each rule is one test that names every offender. An import counts wherever it stands: at the top, in
a function, under `if TYPE_CHECKING`, by `importlib.import_module`. At the end the rules are tried
on small invented modules, so that a rule that finds nothing is noticed.
"""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

import pytest

from tests.paths import ROOT

# --- the layers -----------------------------------------------------------------------------------

LAYERS: Final = {"app", "io", "ui", "core"}
# The bridge starts the program's threads, and screens have some of their own: pictures would keep
# the loop from everything else.
BRIDGE: Final = "proxim/app/bridge.py"
THREADED: Final = (BRIDGE, "proxim/io/screen/", "proxim/io/control/")
LANGUAGES: Final = "proxim/languages/__init__.py"
# These packages hold only a version and the page's files.
PACKAGES: Final = {"proxim/__init__.py", "proxim/web/__init__.py"}
# A layer may import these layers besides itself.
BELOW: Final[dict[str, set[str]]] = {
    "app": {"io", "ui", "core", "languages"},
    "io": {"core", "languages"},
    "ui": {"core"},
    "core": set(),
    "languages": set(),
    "package": set(),
}
THIRD_PARTY: Final[dict[str, set[str]]] = {
    # platformdirs says where the log file goes, and uvloop is the loop of the io thread.
    "app": {"platformdirs", "uvloop"},
    # Those after zeroconf are for screens.
    "io": {
        *("websockets", "aiortc", "aioice", "cryptography", "ifaddr", "platformdirs", "spake2"),
        "zeroconf",
        *("xcffib", "isal", "PIL"),
        # Each on one system: Wayland's portal, Windows's pixels, macOS.
        *("jeepney", "mss", "objc", "CoreMedia", "Quartz", "ScreenCaptureKit"),
    },
    "ui": {"qrcode", "darkdetect", "PIL", "tkinterdnd2"},
    "core": set(),
    "languages": set(),
    "package": set(),
}
THREADS: Final = {"threading", "_thread", "concurrent", "multiprocessing", "queue"}
WORLD: Final = {
    "asyncio",
    "socket",
    "tkinter",
    "time",
    "subprocess",
    "ssl",
    "select",
    "selectors",
    "signal",
}
SCREEN: Final = {"tkinter", "_tkinter", "turtle"}
# These modules of the standard library are banned in each layer.
BANNED: Final[dict[str, set[str]]] = {
    "app": THREADS,
    "io": THREADS | SCREEN,
    "ui": THREADS | {"asyncio"},
    "core": THREADS | WORLD | SCREEN,
    "languages": set(sys.stdlib_module_names) - {"json", "os", "typing"},
    "package": set(sys.stdlib_module_names),
}


@dataclass
class Module:
    """A module of the package, with its source and its syntax tree."""

    # The path is relative to the root, with slashes: "proxim/io/pairing/server.py".
    path: str
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def layer(self) -> str:
        return layer_of(self.path)

    @property
    def package(self) -> list[str]:
        return list(PurePosixPath(self.path).parent.parts)


def layer_of(path: str) -> str:
    """Return the layer that a path belongs to, or the path itself if it belongs to none."""
    if path == "proxim/__main__.py":
        return "app"
    if path == LANGUAGES:
        return "languages"
    if path in PACKAGES:
        return "package"
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[1] in LAYERS else path


def modules() -> list[Module]:
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "proxim").rglob("*.py"))
    ]


# --- what a module imports ------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported name, such as "proxim.core.errors.Reason" or "os.path", and its line."""

    name: str
    line: int

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def imports(module: Module) -> Iterator[Import]:
    """Yield every import of a module, also those inside functions."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                base = module.package[: len(module.package) - level + 1] if level else []
                parts = [*base, *([name] if name else [])]
                yield from (Import(".".join([*parts, alias.name]), node.lineno) for alias in names)
            case ast.Call(
                func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"),
                args=[first, *_],
            ):
                yield Import(_constant_name(first), node.lineno)
            case ast.Call(func=ast.Name(id="import_module"), args=[first, *_]):
                yield Import(_constant_name(first), node.lineno)


def _constant_name(node: ast.expr) -> str:
    """Return the name that an import function gets, or "?", which no rule allows, if the name is
    only known at run time.
    """
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"


def layer_of_import(name: str) -> str:
    """Return the layer of a name like "proxim.io.pairing.server.Server" or "proxim.__version__"."""
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in LAYERS:
        return parts[1]
    if len(parts) > 1 and parts[1] == "languages":
        return "languages"
    if len(parts) > 1 and (layer := layer_of(f"proxim/{parts[1]}.py")) in BELOW:
        return layer
    # This is Proxim itself or a name in it. belongs_to_a_layer already refuses modules without a
    # layer.
    return "package"


# --- the rules: each yields what is wrong with one module -----------------------------------------


def belongs_to_a_layer(module: Module) -> Iterator[str]:
    if module.layer not in BELOW:
        yield (
            "belongs to no layer: move it, or give it one in tests/test_layers.py and "
            "docs/architecture.md"
        )


def imports_go_down_only(module: Module) -> Iterator[str]:
    for found in imports(module):
        if found.top != "proxim":
            continue
        layer = layer_of_import(found.name)
        if layer not in {module.layer, "package", *BELOW.get(module.layer, set())}:
            yield f"line {found.line}: {module.layer} imports {found.name}, which is {layer}"


def third_party_stays_in_its_layer(module: Module) -> Iterator[str]:
    allowed = {"proxim", *sys.stdlib_module_names, *THIRD_PARTY.get(module.layer, set())}
    for found in imports(module):
        if found.top not in allowed:
            yield f"line {found.line}: {module.layer} imports {found.name}"


def standard_library_has_its_places(module: Module) -> Iterator[str]:
    banned = BANNED.get(module.layer, set()) - (
        THREADS if module.path.startswith(THREADED) else set()
    )
    for found in imports(module):
        if found.top in banned:
            yield f"line {found.line}: {module.layer} imports {found.name}"


def threads_start_in_the_bridge_alone(module: Module) -> Iterator[str]:
    """Find loop methods that start threads, which the rule about imports cannot see."""
    # io may run a blocking look-up in the loop's own thread pool.
    if module.path.startswith(THREADED) or module.layer == "io":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"to_thread", "run_in_executor"}:
            yield f"line {node.lineno}: {node.attr}"


def core_reads_no_clock(module: Module) -> Iterator[str]:
    """Find clocks of datetime and uuid; `time` itself is banned as an import."""
    if module.layer != "core":
        return
    clocks = {"now", "utcnow", "today", "uuid1", "uuid6", "uuid7", "getnode"}
    sources = {"datetime", "uuid"}
    # These are the names of datetime, date and uuid in this module.
    known: set[str] = set()
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                known |= {alias.asname or alias.name for alias in names if alias.name in sources}
            case ast.ImportFrom(module=name, names=names) if name in sources:
                known |= {alias.asname or alias.name for alias in names}
                for alias in names:
                    if alias.name in clocks:
                        yield f"line {node.lineno}: {name}.{alias.name}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in clocks:
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in known:
                yield f"line {node.lineno}: {ast.unparse(node)}"


Rule = Callable[[Module], Iterator[str]]
RULES: Final[tuple[Rule, ...]] = (
    belongs_to_a_layer,
    imports_go_down_only,
    third_party_stays_in_its_layer,
    standard_library_has_its_places,
    threads_start_in_the_bridge_alone,
    core_reads_no_clock,
)


@pytest.fixture(scope="module")
def package() -> list[Module]:
    """Return every module of the package, each parsed once."""
    return modules()


def offenders(rule: Rule, package: Iterable[Module]) -> list[str]:
    """Return all that a rule finds, as in "proxim/core/host.py: line 7: core imports time"."""
    return [f"{module.path}: {wrong}" for module in package for wrong in rule(module)]


def test_every_module_belongs_to_a_layer(package: list[Module]) -> None:
    assert offenders(belongs_to_a_layer, package) == []


def test_imports_go_down_only(package: list[Module]) -> None:
    assert offenders(imports_go_down_only, package) == []


def test_third_party_packages_stay_in_their_layer(package: list[Module]) -> None:
    assert offenders(third_party_stays_in_its_layer, package) == []


def test_the_standard_library_has_its_places(package: list[Module]) -> None:
    assert offenders(standard_library_has_its_places, package) == []


def test_threads_start_in_the_bridge_alone(package: list[Module]) -> None:
    assert offenders(threads_start_in_the_bridge_alone, package) == []


def test_core_reads_no_clock(package: list[Module]) -> None:
    assert offenders(core_reads_no_clock, package) == []


# --- files around the package ---------------------------------------------------------------------


def test_the_walk_finds_the_package(package: list[Module]) -> None:
    found = {module.path for module in package}
    assert {
        "proxim/__init__.py",
        "proxim/core/pairing/messages.py",
        "proxim/core/errors.py",
    } <= found


def test_tests_are_no_packages() -> None:
    """pytest's importlib mode accepts files of the same name; an __init__.py would change the names
    of the test modules.
    """
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_launcher_is_a_few_lines() -> None:
    launcher = Module("proxim.py", (ROOT / "proxim.py").read_text(encoding="utf-8"))
    assert len(launcher.source.splitlines()) <= 20
    assert {found.name.rpartition(".")[0] for found in imports(launcher)} <= {
        "proxim",
        "proxim.app.main",
        "",
    }


# --- the rules, tried on modules that break them --------------------------------------------------

BROKEN: Final[list[tuple[Rule, str, str]]] = [
    (belongs_to_a_layer, "proxim/helpers.py", ""),
    (belongs_to_a_layer, "proxim/utils/strings.py", ""),
    (imports_go_down_only, "proxim/core/host.py", "import proxim.io.server"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim import app"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim import io"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim.app.main import main"),
    (imports_go_down_only, "proxim/core/host.py", "from ..io import server"),
    (imports_go_down_only, "proxim/core/host.py", "from .. import ui"),
    (imports_go_down_only, "proxim/io/server.py", "from proxim.ui.window import Window"),
    (imports_go_down_only, "proxim/io/server.py", "from proxim.app.bridge import Bridge"),
    (imports_go_down_only, "proxim/io/server.py", "import proxim.app.desktop"),
    (imports_go_down_only, "proxim/ui/window.py", "from proxim.io import server"),
    (imports_go_down_only, "proxim/ui/window.py", "from proxim import app as above"),
    (imports_go_down_only, "proxim/ui/window.py", "def late():\n    from proxim.io import server"),
    (
        imports_go_down_only,
        "proxim/ui/window.py",
        "if TYPE_CHECKING:\n    from ..io.server import Server",
    ),
    (imports_go_down_only, "proxim/ui/window.py", "importlib.import_module('proxim.io.server')"),
    (imports_go_down_only, "proxim/ui/window.py", "import_module('proxim.io.server')"),
    (imports_go_down_only, "proxim/core/i18n.py", "from proxim.languages import read_language"),
    (imports_go_down_only, "proxim/ui/window.py", "import proxim.languages"),
    (imports_go_down_only, "proxim/__init__.py", "from proxim.core import errors"),
    (third_party_stays_in_its_layer, "proxim/core/proof.py", "import cryptography"),
    (
        third_party_stays_in_its_layer,
        "proxim/core/link.py",
        "def late():\n    from aiortc import RTCPeerConnection",
    ),
    (third_party_stays_in_its_layer, "proxim/io/server.py", "import qrcode"),
    (third_party_stays_in_its_layer, "proxim/io/server.py", "import requests"),
    (third_party_stays_in_its_layer, "proxim/io/server.py", "__import__('qrcode.image')"),
    (third_party_stays_in_its_layer, "proxim/io/server.py", "__import__(name)"),
    (third_party_stays_in_its_layer, "proxim/ui/window.py", "from websockets.sync import client"),
    (
        third_party_stays_in_its_layer,
        "proxim/ui/window.py",
        "try:\n    import customtkinter\nexcept ImportError: raise",
    ),
    (third_party_stays_in_its_layer, "proxim/app/bridge.py", "import janus"),
    (third_party_stays_in_its_layer, "proxim/app/desktop.py", "import aiortc"),
    *(
        (standard_library_has_its_places, "proxim/core/host.py", f"import {name}")
        for name in (
            "asyncio",
            "socket",
            "threading",
            "tkinter",
            "time",
            "subprocess",
            "ssl",
            "select",
            "selectors",
            "concurrent.futures",
            "multiprocessing",
            "queue",
            "_thread",
        )
    ),
    (standard_library_has_its_places, "proxim/core/host.py", "from time import monotonic"),
    (
        standard_library_has_its_places,
        "proxim/core/host.py",
        "def late():\n    from asyncio import sleep",
    ),
    (
        standard_library_has_its_places,
        "proxim/core/host.py",
        "class A:\n    import tkinter.ttk as ttk",
    ),
    (standard_library_has_its_places, "proxim/ui/window.py", "import asyncio"),
    (standard_library_has_its_places, "proxim/ui/window.py", "from threading import Thread"),
    (standard_library_has_its_places, "proxim/ui/terminal.py", "import queue"),
    (
        standard_library_has_its_places,
        "proxim/io/runtime.py",
        "from concurrent.futures import ThreadPoolExecutor",
    ),
    (standard_library_has_its_places, "proxim/io/runtime.py", "import tkinter"),
    (standard_library_has_its_places, "proxim/app/desktop.py", "import threading"),
    (standard_library_has_its_places, "proxim/app/main.py", "import threading"),
    (standard_library_has_its_places, "proxim/__init__.py", "import os"),
    (threads_start_in_the_bridge_alone, "proxim/ui/window.py", "loop.run_in_executor(None, work)"),
    (threads_start_in_the_bridge_alone, "proxim/app/desktop.py", "asyncio.to_thread(work)"),
    (core_reads_no_clock, "proxim/core/session.py", "import datetime\ndatetime.datetime.now()"),
    (core_reads_no_clock, "proxim/core/session.py", "import datetime as d\nd.date.today()"),
    (
        core_reads_no_clock,
        "proxim/core/session.py",
        "from datetime import datetime\ndatetime.now(UTC)",
    ),
    (
        core_reads_no_clock,
        "proxim/core/session.py",
        "from datetime import datetime as dt\nclock = dt.utcnow",
    ),
    (
        core_reads_no_clock,
        "proxim/core/session.py",
        "def f():\n    from datetime import date\n    return date.today()",
    ),
    (core_reads_no_clock, "proxim/core/session.py", "import uuid\nuuid.uuid1()"),
    (core_reads_no_clock, "proxim/core/session.py", "from uuid import uuid1"),
]

SOUND: Final[list[tuple[str, str]]] = [
    (
        "proxim/app/main.py",
        "from proxim import __version__\nfrom proxim.app.desktop import run\n"
        "import argparse, asyncio",
    ),
    (
        "proxim/app/desktop.py",
        "from proxim.io.runtime import Runtime\nfrom proxim.ui import window\n"
        "from proxim.app.bridge import B",
    ),
    (
        "proxim/io/runtime.py",
        "import asyncio, websockets.asyncio.server\nfrom proxim.core.host import Host\n"
        "from . import peer",
    ),
    (
        "proxim/io/addresses.py",
        "import time, socket\nawait asyncio.to_thread(ifaddr.get_adapters)",
    ),
    (
        "proxim/ui/qr.py",
        "import tkinter as tk\nfrom PIL import Image\nimport qrcode\nfrom ..core.status import "
        "Invitation",
    ),
    (
        "proxim/app/bridge.py",
        "import asyncio, queue, threading\nfrom proxim.core.events import Intent",
    ),
    (
        "proxim/app/startup.py",
        "from proxim.app.options import HostOptions\nfrom . import main, logs\n"
        "from proxim.io import runtime",
    ),
    (
        "proxim/core/session.py",
        "from datetime import datetime, UTC\ndatetime.fromtimestamp(moment.now, UTC)",
    ),
    (
        "proxim/core/session.py",
        "import proxim\nfrom proxim.core import errors\nfrom .host import Host\nimport secrets, "
        "uuid\nuuid.uuid4()",
    ),
]


def test_a_rule_finds_what_breaks_it() -> None:
    missed = [
        f"{rule.__name__}: {path}: {source}"
        for rule, path, source in BROKEN
        if not list(rule(Module(path, source)))
    ]
    assert missed == []


def test_the_rules_leave_sound_modules_alone() -> None:
    sound = [Module(path, source) for path, source in SOUND]
    assert [wrong for rule in RULES for wrong in offenders(rule, sound)] == []
