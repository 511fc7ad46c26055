"""Start Proxim: `python proxim.py`. Everything else is in the package."""

import sys

from proxim.app.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
