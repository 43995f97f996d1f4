"""Comments in Dockerfiles by which other scanners are told to be silent: hadolint's, trivy's, checkov's.

They are honoured where they stand, for the rules that mean the same (content/crosswalk). One that silences nothing here is
no matter: it was written for another tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from transom.model.places import Locator, path_text

if TYPE_CHECKING:
    from transom.kube.comments import Comment
    from transom.rules.exceptions import Allowance

_HADOLINT = re.compile(r"hadolint\s+(global\s+)?ignore\s*=\s*([A-Z0-9, ]+)")
_TRIVY = re.compile(r"trivy:ignore:(?:AVD-)?DS-?0*(\d+)")
_EXPIRES = re.compile(r"\bexp:(\d{4}-\d\d-\d\d)")
_CHECKOV = re.compile(r"checkov:skip\s*=\s*(CKV2?_DOCKER_\d+)(?::\s*(.*))?")


def silenced(comment: Comment, file: str) -> Iterator[Allowance]:
    """Yield the exceptions that a comment for another scanner makes here; none for any other comment."""
    told = list(_told(comment.text))
    if not told:
        return
    from transom.rules.exceptions import Allowance
    from transom.rules.migration import crosswalk

    place = Locator(file, comment.line, comment.column)
    there = frozenset(path_text(path) for path in comment.paths)
    for tool, theirs, reason, everywhere in told:
        for rule in crosswalk(tool).get(theirs, ()):
            said = reason or f"was accepted in {tool}: {theirs}"
            yield Allowance(rule, said, place, paths=None if everywhere else there, foreign=True)


def _told(text: str) -> Iterator[tuple[str, str, str, bool]]:
    """Yield tool, check, reason, and whether it speaks of the whole file."""
    if found := _HADOLINT.match(text):
        yield from (("hadolint", each, "", bool(found[1])) for each in re.findall(r"\w+", found[2]))
    elif text.startswith("trivy:ignore:"):
        expires = _EXPIRES.search(text)
        if expires is None or expires[1] >= date.today().isoformat():
            yield from (("trivy", f"DS{int(each):03}", "", False) for each in _TRIVY.findall(text))
    elif found := _CHECKOV.match(text):
        yield "checkov", found[1], (found[2] or "").strip(), True
