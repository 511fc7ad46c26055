"""Settings of hypothesis for the ground floor."""

import os

from hypothesis import settings

# No deadline: a slow machine is no bug. In CI the same examples every time, so that a red run is
# the change's own.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "local")
