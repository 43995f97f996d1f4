"""Which records speak of the same bug: by the ids that they share, and never two CVEs as one."""

from __future__ import annotations

from collections.abc import Iterable

CVE = "CVE-"


class Aliases:
    """Ids that are joined by the records that name them together; cycles and chains do no harm."""

    def __init__(self) -> None:
        self._parent: dict[str, str] = {}
        self._cves: dict[str, set[str]] = {}

    def add(self, names: Iterable[str]) -> None:
        """Join the names of one record."""
        first, *others = names
        root = self._root(first)
        for other in others:
            root = self._join(root, self._root(other))

    def bug_of(self, names: Iterable[str]) -> str:
        """Return what to call the bug of a record, its own id first among the names.

        The CVE, where all that is joined to it names one. Where it names several, a chain of aliases has joined
        different bugs: then a record goes by the one CVE that it names itself, or stands alone.
        """
        own, *others = names
        cves = self._cves[self._root(own)]
        if len(cves) == 1:
            return next(iter(cves))
        if cves:
            named = {each for each in (own, *others) if each.startswith(CVE)}
            return named.pop() if len(named) == 1 else own
        return self._root(own)

    def _root(self, name: str) -> str:
        parent = self._parent
        if name not in parent:
            parent[name] = name
            self._cves[name] = {name} if name.startswith(CVE) else set()
            return name
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    def _join(self, one: str, other: str) -> str:
        """Join two roots under the lesser, so that the order of records does not decide what a bug is called."""
        if one == other:
            return one
        least, most = sorted((one, other))
        self._parent[most] = least
        self._cves[least] |= self._cves.pop(most)
        return least
