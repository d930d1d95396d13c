"""`python -m jupyter_mlplat.cli`: the program, by the interpreter that is meant."""

import sys

from jupyter_mlplat.cli import main

sys.exit(main())
