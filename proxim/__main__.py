"""Start Proxim as `python -m proxim`. Must never hold anything else."""

import sys

from proxim.cli import main

sys.exit(main(sys.argv[1:]))
