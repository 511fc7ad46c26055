"""Start Proxim as `python -m proxim`."""

import sys

from proxim.app.main import main

sys.exit(main(sys.argv[1:]))
