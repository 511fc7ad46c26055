"""What people read: one JSON file a language, and the function that reads one."""

import json
import os
from typing import Any


def read_language(language: str) -> dict[str, dict[str, Any]]:
    """The sections of a language's file."""
    # By whatever loaded this package, so also out of the executable; importlib.resources would cost
    # start-up 5 ms.
    spec: Any = __spec__
    found: dict[str, dict[str, Any]] = json.loads(
        spec.loader.get_data(os.path.join(__path__[0], f"{language}.json"))
    )
    return found
