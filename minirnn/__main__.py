"""`python -m minirnn` is the command `minirnn`."""

import sys

from .cli import main

sys.exit(main())
