"""Mending: from findings to changes of objects and edits of files, each proven before anybody sees it.

A finding is mended by the fix of its rule (rules/fixes.py). What the fix makes of an object is judged again; the edits
that say so in its file are made in memory, the file is read again and must hold exactly that object; the whole estate
is judged again, and of what was found before nothing but the mended may be gone, and nothing may be new.
"""

from transom.mending.mend import Mended, Options, mend
from transom.mending.steps import Left, Step

__all__ = ["Left", "Mended", "Options", "Step", "mend"]
