"""SHA-256 as Python itself has it: OpenSSL's, which hashlib takes, costs each start 2 ms, and short texts gain nothing by it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import sha256
else:
    for _module in ("_sha2", "_sha256", "hashlib"):  # of Python 3.12 and later, of 3.11, of one that is built otherwise
        try:
            sha256 = import_module(_module).sha256
            break
        except (ImportError, AttributeError):
            continue

__all__ = ["sha256"]
