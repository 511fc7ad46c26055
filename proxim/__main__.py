"""Start Proxim as `python -m proxim`."""

import sys

from proxim.cli import main

sys.exit(main(sys.argv[1:]))
