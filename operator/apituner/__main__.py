"""``python -m apituner``."""

import sys

from apituner.cli import main

sys.exit(main())
