"""Lists of leaks that are none, as gitleaks keeps them: `.gitleaksignore`, a fingerprint in each line."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from msgspec import Struct

from transom.lang.leaks.stream import Found
from transom.model.errors import UsageError
from transom.model.places import Locator

IGNORE_FILE = ".gitleaksignore"
MAX_IGNORE_BYTES = 8 * 1024 * 1024  # some 100,000 lines


class Ignores(Struct, frozen=True):
    """Fingerprints, `[COMMIT:]FILE:RULE:LINE`, and where each stands. root: what FILE is relative to."""

    root: str = ""
    entries: Mapping[str, Locator] = {}

    def place_of(self, file: str, rule: str, places: Sequence[Found], commit: str = "") -> Locator | None:
        """Return where a leak is named, None where it is not; it must be at each of its places.

        A place is named by the line where its match begins, as gitleaks does, or by its own.
        """
        if not self.entries:
            return None
        path = file.removeprefix(f"{self.root}/") if self.root else file
        found = [
            self._place(path, rule, each.first_line, commit) or self._place(path, rule, each.line, commit)
            for each in places
        ]
        return found[0] if found and all(found) else None

    def _place(self, path: str, rule: str, line: int, commit: str) -> Locator | None:
        fingerprint = f"{path}:{rule}:{line}"
        return self.entries.get(fingerprint) or self.entries.get(f"{commit}:{fingerprint}")


def read_ignores(root: str, shown: str) -> Ignores:
    """Return the list of a folder, an empty one where there is none; shown: the folder as people see it."""
    path = os.path.join(root, IGNORE_FILE)  # noqa: PTH118 - as the walk has it
    prefix = "" if shown in ("", ".") else shown.rstrip("/")
    try:
        with open(path, "rb") as stream:  # noqa: PTH123
            content = stream.read(MAX_IGNORE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return Ignores(prefix)
    except OSError as error:
        raise UsageError(
            f"cannot read {path}", error.strerror or str(error), "make it readable, or remove it"
        ) from error
    if len(content) > MAX_IGNORE_BYTES:
        raise UsageError(f"cannot read {path}", "it is larger than 8 MiB", "remove what is mended")
    lines = content.decode("utf-8-sig", "replace").splitlines()
    told = ((number, line.strip()) for number, line in enumerate(lines, 1))
    entries = {text: Locator(path, number, 1) for number, text in told if text and not text.startswith("#")}
    return Ignores(prefix, entries)
