"""`python -m mailscribe_local.cli`: the same as `mailscribe`."""

import sys

from mailscribe_local.cli import main

if __name__ == "__main__":
    sys.exit(main())
