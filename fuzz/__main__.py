"""`python -m fuzz messages --seconds 60` lets atheris look for an input that breaks a reader of
strangers' bytes.

Exit status 0 means that nothing was found in that time, 2 that atheris is not installed. Any other
status means that an input was found; it is saved in a file.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

NAMES: Final = ("messages", "codes", "descriptions", "link")
# This has room for a description. Longer ones only repeat themselves, and other tests check the
# size limits.
MAX_INPUT_BYTES: Final = 8192
# An input that takes longer counts as a finding.
INPUT_SECONDS: Final = 5


def main() -> None:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(
        prog="python -m fuzz", description="Coverage-guided fuzzing of Proxim's readers."
    )
    parser.add_argument("target", choices=NAMES)
    parser.add_argument("--seconds", type=int, default=60, help="how long (default: %(default)s)")
    parser.add_argument(
        "--corpus", type=Path, help="a folder that keeps what was found interesting"
    )
    parser.add_argument(
        "--findings",
        type=Path,
        default=Path(),
        help="where to leave an input that breaks something",
    )
    parser.add_argument("--input", type=Path, help="run this one input, as a finding left it")
    asked = parser.parse_args()
    try:
        atheris: Any = importlib.import_module("atheris")
    except ImportError:
        parser.exit(2, "Fuzzing needs atheris, which is not installed; see fuzz/README.md.\n")
    with atheris.instrument_imports(include=["proxim.core", "fuzz.targets"]):
        from fuzz.targets import TARGETS
    target = TARGETS[asked.target]

    def one_input(data: bytes) -> None:
        # Bytes that are not UTF-8 become lone surrogates, which are worth a try, too.
        target.run(data.decode(errors="surrogateescape"))

    if asked.input is not None:
        one_input(asked.input.read_bytes())
        return
    with tempfile.TemporaryDirectory() as folder:
        seeds = Path(folder, "seeds")
        seeds.mkdir()
        for number, seed in enumerate(target.seeds):
            Path(seeds, str(number)).write_bytes(seed.encode())
        words = Path(folder, "words")
        words.write_text(
            "".join(f'"{_escaped(word)}"\n' for word in target.words), encoding="ascii"
        )
        corpus = asked.corpus or Path(folder, "corpus")
        corpus.mkdir(parents=True, exist_ok=True)
        asked.findings.mkdir(parents=True, exist_ok=True)
        options = [
            f"-max_total_time={asked.seconds}",
            f"-max_len={MAX_INPUT_BYTES}",
            f"-timeout={INPUT_SECONDS}",
            f"-dict={words}",
            f"-artifact_prefix={asked.findings.resolve()}/",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], one_input)
        atheris.Fuzz()


def _escaped(word: str) -> str:
    """Escape a word as libFuzzer's dictionaries require."""
    return "".join(symbol if symbol.isalnum() else f"\\x{ord(symbol):02x}" for symbol in word)


if __name__ == "__main__":
    main()
