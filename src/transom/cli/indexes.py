"""Where indexes are unless a command line says otherwise: among the user's data, never in the folder that is scanned.

A folder that is scanned may be anybody's; an index that lies in it could know nothing, and make all of it look clean.
"""

from __future__ import annotations

import os


def vulnerability_index() -> str:
    """Return where the index of vulnerabilities is: TRANSOM_DB, else among the user's data."""
    return os.environ.get("TRANSOM_DB") or _among_data("transom.db")


def jar_index() -> str:
    """Return where the index of jars is: TRANSOM_JARS, else among the user's data."""
    return os.environ.get("TRANSOM_JARS") or _among_data("jars.db")


def _among_data(name: str) -> str:
    home = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111 - pathlib costs a start its time
    return os.path.join(home, "transom", name)  # noqa: PTH118


def kept_bills() -> str:
    """Return where bills of images are kept: TRANSOM_BILLS, else among the user's data."""
    return os.environ.get("TRANSOM_BILLS") or _among_data("bills.db")
