"""`python -m artnb` is `artnb`."""

import sys

from artnb.cli import main

sys.exit(main())
