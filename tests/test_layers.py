"""The rules that keep Proxim a house (docs/architecture.md), enforced on every module's syntax tree.

An import counts wherever it stands: at the top, in a function, under `if TYPE_CHECKING`, by `importlib.import_module`.
The rules themselves are tested on small made-up modules at the end, so that a rule that finds nothing is seen.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
MAX_LINES: Final = 400  # more than one sitting's reading: cut it

# --- the house -------------------------------------------------------------------------------------------------------

ROOF: Final = {
    "proxim/__main__.py",
    "proxim/arguments.py",
    "proxim/cli.py",
    "proxim/desktop.py",
    "proxim/logs.py",
    "proxim/options.py",
    "proxim/system_language.py",
    "proxim/wiring.py",
}
PACKAGES: Final = {"proxim/__init__.py", "proxim/languages/__init__.py", "proxim/web/__init__.py"}  # the two hold data
BELOW: Final[dict[str, set[str]]] = {  # which floors a floor may import, besides itself
    "roof": {"net", "ui", "bridge", "core"},
    "net": {"core"},
    "ui": {"core"},
    "bridge": {"core"},
    "core": set(),
    "package": set(),
}
THIRD_PARTY: Final[dict[str, set[str]]] = {
    "roof": {"platformdirs"},  # where the log file goes
    "net": {"websockets", "aiortc", "aioice", "cryptography", "ifaddr", "platformdirs", "spake2"},
    "ui": {"qrcode", "darkdetect", "PIL", "tkinterdnd2"},
    "bridge": {"uvloop"},
    "core": set(),
    "package": set(),
}
THREADS: Final = {"threading", "_thread", "concurrent", "multiprocessing", "queue"}
WORLD: Final = {"asyncio", "socket", "tkinter", "time", "subprocess", "ssl", "select", "selectors", "signal"}
SCREEN: Final = {"tkinter", "_tkinter", "turtle"}
BANNED: Final[dict[str, set[str]]] = {  # of the standard library
    "roof": THREADS,
    "net": THREADS | SCREEN,
    "ui": THREADS | {"asyncio"},
    "bridge": SCREEN | {"socket", "ssl", "select", "selectors", "subprocess"},
    "core": THREADS | WORLD | SCREEN,
    "package": set(sys.stdlib_module_names),
}

# Modules without a test file of their own, and why.
ONLY_TYPES: Final = "only types: what it declares is tested where it is used"
DOOR: Final = "one call: `python -m proxim` is run by the tests of cli.py"
UNTESTED: Final[dict[str, str]] = {
    "proxim/__main__.py": DOOR,
    "proxim/core/events.py": ONLY_TYPES,
    "proxim/core/commands.py": ONLY_TYPES,
    "proxim/core/file_events.py": ONLY_TYPES,
    "proxim/core/session_inputs.py": ONLY_TYPES,
    "proxim/core/session_states.py": ONLY_TYPES,
}


@dataclass(frozen=True)
class Module:
    """A module of the package."""

    path: str  # from the root, with slashes: "proxim/net/server.py"
    source: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.source, self.path)

    @property
    def floor(self) -> str:
        return floor_of(self.path)

    @property
    def package(self) -> list[str]:
        return list(PurePosixPath(self.path).parent.parts)


def floor_of(path: str) -> str:
    """The floor that a path belongs to; the path itself where there is none for it."""
    if path in ROOF:
        return "roof"
    if path == "proxim/bridge.py":
        return "bridge"
    if path in PACKAGES:
        return "package"
    parts = PurePosixPath(path).parts
    return parts[1] if len(parts) > 2 and parts[1] in {"net", "ui", "core"} else path


def modules() -> list[Module]:
    return [
        Module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
        for path in sorted((ROOT / "proxim").rglob("*.py"))
    ]


# --- what a module imports -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Import:
    """One imported name: "proxim.core.errors.Reason", "os.path"; `line` is where."""

    name: str
    line: int

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]


def imports(module: Module) -> Iterator[Import]:
    """Everything that a module imports, wherever it does."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Import(names=names):
                yield from (Import(alias.name, node.lineno) for alias in names)
            case ast.ImportFrom(module=name, names=names, level=level):
                base = module.package[: len(module.package) - level + 1] if level else []
                parts = [*base, *([name] if name else [])]
                yield from (Import(".".join([*parts, alias.name]), node.lineno) for alias in names)
            case ast.Call(func=ast.Name(id="__import__") | ast.Attribute(attr="import_module"), args=[first, *_]):
                yield Import(_constant_name(first), node.lineno)
            case ast.Call(func=ast.Name(id="import_module"), args=[first, *_]):
                yield Import(_constant_name(first), node.lineno)


def _constant_name(node: ast.expr) -> str:
    """What an import by function names; "?" where only a run would tell, which no rule allows."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "?"


def floor_of_import(name: str) -> str:
    """The floor of "proxim.net.server.Server", of "proxim.bridge", of "proxim.__version__"."""
    parts = name.split(".")
    if len(parts) > 1 and parts[1] in {"net", "ui", "core"}:
        return parts[1]
    if len(parts) > 1 and (floor := floor_of(f"proxim/{parts[1]}.py")) in BELOW:
        return floor
    return "package"  # proxim itself, or a name in it; a module without a floor is refused by the first rule


# --- the rules: each gives what is wrong with one module -------------------------------------------------------------


def belongs_to_a_floor(module: Module) -> Iterator[str]:
    if module.floor not in BELOW:
        yield "belongs to no floor: move it, or give it one in tests/test_layers.py and docs/architecture.md"


def imports_go_down_only(module: Module) -> Iterator[str]:
    for found in imports(module):
        if found.top != "proxim":
            continue
        floor = floor_of_import(found.name)
        if floor not in {module.floor, "package", *BELOW.get(module.floor, set())}:
            yield f"line {found.line}: {module.floor} imports {found.name}, which is {floor}"


def third_party_stays_on_its_floor(module: Module) -> Iterator[str]:
    allowed = {"proxim", *sys.stdlib_module_names, *THIRD_PARTY.get(module.floor, set())}
    for found in imports(module):
        if found.top not in allowed:
            yield f"line {found.line}: {module.floor} imports {found.name}"


def standard_library_has_its_places(module: Module) -> Iterator[str]:
    for found in imports(module):
        if found.top in BANNED.get(module.floor, set()):
            yield f"line {found.line}: {module.floor} imports {found.name}"


def threads_start_in_the_bridge_alone(module: Module) -> Iterator[str]:
    """Not by an import either that the rule above would not see: loops can start threads, too."""
    if module.floor in {"bridge", "net"}:  # net may hand a blocking look-up to the loop's own pool
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and node.attr in {"to_thread", "run_in_executor"}:
            yield f"line {node.lineno}: {node.attr}"


def core_reads_no_clock(module: Module) -> Iterator[str]:
    """`time` is banned as an import; this finds datetime's and uuid's."""
    if module.floor != "core":
        return
    clocks = {"now", "utcnow", "today", "uuid1", "uuid6", "uuid7", "getnode"}
    sources = {"datetime", "uuid"}
    known: set[str] = set()  # what datetime, date and uuid are called here
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


def says_what_it_must_never_hold(module: Module) -> Iterator[str]:
    docstring = ast.get_docstring(module.tree)
    if docstring is None:
        yield "has no docstring"
        return
    # A package's own file is a door, not a room: there a plain "nothing" will do.
    limit = r"\bnever\b|\bnothing\b|\bnone\s+of\b" if module.path.endswith("__init__.py") else r"\bmust\s+never\b"
    if not re.search(limit, docstring, re.IGNORECASE):
        yield 'its docstring does not say what must never be in it ("Must never be here: ...")'


def is_short(module: Module) -> Iterator[str]:
    lines = module.source.count("\n")
    if lines > MAX_LINES:
        yield f"has {lines} lines"


def test_path_of(path: str) -> str:
    """Where the tests of a module are: proxim/net/server.py -> tests/net/test_server.py."""
    inside = PurePosixPath(path).relative_to("proxim")
    return str(PurePosixPath("tests") / inside.parent / f"test_{inside.name}")


test_path_of.__test__ = False  # type: ignore[attr-defined]


def has_its_tests(module: Module) -> Iterator[str]:
    if module.path.endswith("/__init__.py") or module.path in UNTESTED:
        return
    if not (ROOT / test_path_of(module.path)).is_file():
        yield f"has no {test_path_of(module.path)}"


Rule = Callable[[Module], Iterator[str]]
RULES: Final[list[Rule]] = [
    belongs_to_a_floor,
    imports_go_down_only,
    third_party_stays_on_its_floor,
    standard_library_has_its_places,
    threads_start_in_the_bridge_alone,
    core_reads_no_clock,
    says_what_it_must_never_hold,
    is_short,
    has_its_tests,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("module", modules(), ids=lambda module: module.path)
def test_house(module: Module, rule: Rule) -> None:
    assert list(rule(module)) == []


# --- around the package ----------------------------------------------------------------------------------------------


def test_the_walk_finds_the_package() -> None:
    found = {module.path for module in modules()}
    assert {"proxim/__init__.py", "proxim/core/messages.py", "proxim/core/errors.py"} <= found


@pytest.mark.parametrize("path", UNTESTED)
def test_a_module_without_tests_has_nothing_to_test(path: str) -> None:
    assert not (ROOT / test_path_of(path)).exists(), "it has tests now: take it off the list"
    tree = Module(path, (ROOT / path).read_text(encoding="utf-8")).tree
    functions = [node.name for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    assert functions == []


def test_every_test_file_mirrors_a_module_or_says_what_it_is() -> None:
    """A test file whose module (of proxim, assets, bench, our own helpers) has gone is found; one about the whole
    says so in a docstring.
    """
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        inside = path.relative_to(ROOT / "tests")
        mirrored = inside.with_name(inside.name.removeprefix("test_"))
        if not any((top / mirrored).is_file() for top in (ROOT / "proxim", ROOT, ROOT / "tests")):
            assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), inside.as_posix()


def test_tests_are_no_packages() -> None:
    """pytest's importlib mode takes same-named files; an __init__.py would change what they are called."""
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_the_launcher_is_a_few_lines() -> None:
    launcher = Module("proxim.py", (ROOT / "proxim.py").read_text(encoding="utf-8"))
    assert len(launcher.source.splitlines()) <= 20
    assert {found.name.rpartition(".")[0] for found in imports(launcher)} <= {"proxim", "proxim.cli", ""}


# --- the rules, tried on modules that break them ---------------------------------------------------------------------

BROKEN: Final[list[tuple[Rule, str, str]]] = [
    (belongs_to_a_floor, "proxim/helpers.py", ""),
    (belongs_to_a_floor, "proxim/utils/strings.py", ""),
    (imports_go_down_only, "proxim/core/host.py", "import proxim.net.server"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim import bridge"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim import net"),
    (imports_go_down_only, "proxim/core/host.py", "from proxim.cli import main"),
    (imports_go_down_only, "proxim/core/host.py", "from ..net import server"),
    (imports_go_down_only, "proxim/core/host.py", "from .. import ui"),
    (imports_go_down_only, "proxim/net/server.py", "from proxim.ui.window import Window"),
    (imports_go_down_only, "proxim/net/server.py", "from proxim.bridge import Bridge"),
    (imports_go_down_only, "proxim/net/server.py", "import proxim.desktop"),
    (imports_go_down_only, "proxim/ui/window.py", "from proxim.net import server"),
    (imports_go_down_only, "proxim/ui/window.py", "from proxim import bridge as stairs"),
    (imports_go_down_only, "proxim/ui/window.py", "def late():\n    from proxim.net import server"),
    (imports_go_down_only, "proxim/ui/window.py", "if TYPE_CHECKING:\n    from ..net.server import Server"),
    (imports_go_down_only, "proxim/ui/window.py", "importlib.import_module('proxim.net.server')"),
    (imports_go_down_only, "proxim/ui/window.py", "import_module('proxim.net.server')"),
    (imports_go_down_only, "proxim/bridge.py", "import proxim.ui.window"),
    (imports_go_down_only, "proxim/bridge.py", "from .net import runtime"),
    (imports_go_down_only, "proxim/bridge.py", "from . import cli"),
    (imports_go_down_only, "proxim/__init__.py", "from proxim.core import errors"),
    (third_party_stays_on_its_floor, "proxim/core/proof.py", "import cryptography"),
    (third_party_stays_on_its_floor, "proxim/core/link.py", "def late():\n    from aiortc import RTCPeerConnection"),
    (third_party_stays_on_its_floor, "proxim/net/server.py", "import qrcode"),
    (third_party_stays_on_its_floor, "proxim/net/server.py", "import requests"),
    (third_party_stays_on_its_floor, "proxim/net/server.py", "__import__('PIL.Image')"),
    (third_party_stays_on_its_floor, "proxim/net/server.py", "__import__(name)"),
    (third_party_stays_on_its_floor, "proxim/ui/window.py", "from websockets.sync import client"),
    (
        third_party_stays_on_its_floor,
        "proxim/ui/window.py",
        "try:\n    import customtkinter\nexcept ImportError: raise",
    ),
    (third_party_stays_on_its_floor, "proxim/bridge.py", "import janus"),
    (third_party_stays_on_its_floor, "proxim/desktop.py", "import aiortc"),
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
    (standard_library_has_its_places, "proxim/core/host.py", "def late():\n    from asyncio import sleep"),
    (standard_library_has_its_places, "proxim/core/host.py", "class A:\n    import tkinter.ttk as ttk"),
    (standard_library_has_its_places, "proxim/ui/window.py", "import asyncio"),
    (standard_library_has_its_places, "proxim/ui/window.py", "from threading import Thread"),
    (standard_library_has_its_places, "proxim/ui/terminal.py", "import queue"),
    (standard_library_has_its_places, "proxim/net/runtime.py", "from concurrent.futures import ThreadPoolExecutor"),
    (standard_library_has_its_places, "proxim/net/runtime.py", "import tkinter"),
    (standard_library_has_its_places, "proxim/desktop.py", "import threading"),
    (standard_library_has_its_places, "proxim/cli.py", "import threading"),
    (standard_library_has_its_places, "proxim/bridge.py", "import tkinter as tk"),
    (standard_library_has_its_places, "proxim/__init__.py", "import os"),
    (threads_start_in_the_bridge_alone, "proxim/ui/window.py", "loop.run_in_executor(None, work)"),
    (threads_start_in_the_bridge_alone, "proxim/desktop.py", "asyncio.to_thread(work)"),
    (core_reads_no_clock, "proxim/core/session.py", "import datetime\ndatetime.datetime.now()"),
    (core_reads_no_clock, "proxim/core/session.py", "import datetime as d\nd.date.today()"),
    (core_reads_no_clock, "proxim/core/session.py", "from datetime import datetime\ndatetime.now(UTC)"),
    (core_reads_no_clock, "proxim/core/session.py", "from datetime import datetime as dt\nclock = dt.utcnow"),
    (core_reads_no_clock, "proxim/core/session.py", "def f():\n    from datetime import date\n    return date.today()"),
    (core_reads_no_clock, "proxim/core/session.py", "import uuid\nuuid.uuid1()"),
    (core_reads_no_clock, "proxim/core/session.py", "from uuid import uuid1"),
    (says_what_it_must_never_hold, "proxim/core/host.py", "import os"),
    (says_what_it_must_never_hold, "proxim/core/host.py", '"""The host\'s machine."""'),
    (says_what_it_must_never_hold, "proxim/net/__init__.py", '"""The network floor."""'),
    (is_short, "proxim/core/host.py", "x = 1\n" * 401),
    (has_its_tests, "proxim/core/no_such_module.py", ""),
    (has_its_tests, "proxim/no_such_module.py", ""),
]

SOUND: Final[list[tuple[str, str]]] = [
    ("proxim/cli.py", "from proxim import __version__\nfrom proxim.desktop import run\nimport argparse, asyncio"),
    (
        "proxim/desktop.py",
        "from proxim.net.runtime import Runtime\nfrom .ui import window\nfrom proxim.bridge import B",
    ),
    (
        "proxim/net/runtime.py",
        "import asyncio, websockets.asyncio.server\nfrom proxim.core.host import Host\nfrom . import peer",
    ),
    ("proxim/net/addresses.py", "import time, socket\nawait asyncio.to_thread(ifaddr.get_adapters)"),
    (
        "proxim/ui/qr.py",
        "import tkinter as tk\nfrom PIL import Image\nimport qrcode\nfrom ..core.status import Invitation",
    ),
    ("proxim/bridge.py", "import asyncio, queue, threading\nfrom proxim.core.events import Intent"),
    (
        "proxim/wiring.py",
        "from proxim.options import HostOptions\nfrom . import cli, logs\nfrom proxim.net import runtime",
    ),
    ("proxim/core/session.py", "from datetime import datetime, UTC\ndatetime.fromtimestamp(moment.now, UTC)"),
    (
        "proxim/core/session.py",
        "import proxim\nfrom proxim.core import errors\nfrom .host import Host\nimport secrets, uuid\nuuid.uuid4()",
    ),
]


@pytest.mark.parametrize(("rule", "path", "source"), BROKEN)
def test_a_rule_finds_what_breaks_it(rule: Rule, path: str, source: str) -> None:
    assert list(rule(Module(path, source)))


@pytest.mark.parametrize(("path", "source"), SOUND)
def test_the_rules_leave_sound_modules_alone(path: str, source: str) -> None:
    about_code = [rule for rule in RULES if rule not in (says_what_it_must_never_hold, has_its_tests)]
    assert [wrong for rule in about_code for wrong in rule(Module(path, source))] == []


def test_the_rules_take_a_docstring_that_says_it() -> None:
    for path, docstring in (
        ("proxim/core/host.py", "The host's machine. Must never be here: a clock."),
        ("proxim/net/__init__.py", "The network floor; nothing is imported here."),
    ):
        assert list(says_what_it_must_never_hold(Module(path, f'"""{docstring}"""'))) == []
