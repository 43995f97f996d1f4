"""`python -m transom` is the `transom` command."""

import sys

from transom.cli import main

if __name__ == "__main__":
    sys.exit(main())
