"""What VEX documents say together, and which of them decides about one match."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from enum import StrEnum

from msgspec import Struct

from transom.advisories.vex.products import Product
from transom.model.advisories import Match
from transom.model.packages import Bill, Package


class Status(StrEnum):
    """The four words of VEX."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"

    @property
    def settles(self) -> bool:
        """Whether nothing is left to do about it."""
        return self in (Status.NOT_AFFECTED, Status.FIXED)


class Said(Struct, frozen=True):
    """One statement. names: of the bug; justification: why it is not affected, by VEX's labels; detail: in a person's words.

    time: RFC 3339, "" where none is told; author and document: who says so, and where it stands.
    """

    status: Status
    names: tuple[str, ...]
    products: tuple[Product, ...]
    justification: str = ""
    detail: str = ""
    time: str = ""
    author: str = ""
    document: str = ""

    @property
    def told(self) -> str:
        """The statement in a line: status, reason and author."""
        why = ": ".join(filter(None, (self.justification.replace("_", " "), self.detail)))
        by = f" (VEX of {self.author})" if self.author else " (VEX)"
        return f"{self.status.replace('_', ' ')}{f': {why}' if why else ''}{by}"

    @property
    def moment(self) -> float:
        """When it was said, to tell which of several is the last; 0 where nobody knows."""
        try:
            read = datetime.fromisoformat(self.time)
        except ValueError:
            return 0.0
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


class Vex:
    """Statements by the bug that they are about."""

    def __init__(self, statements: Iterable[Said] = ()) -> None:
        self._by_name: dict[str, list[Said]] = defaultdict(list)
        for said in statements:
            self.learn(said)

    def learn(self, said: Said) -> None:
        """Take one more statement."""
        for name in said.names:
            self._by_name[name.upper()].append(said)

    def __bool__(self) -> bool:
        return bool(self._by_name)

    def about(self, found: Match, bill: Bill) -> Said | None:
        """Return what is said last of a match, None where nobody speaks of it; of one moment the later document decides."""
        best: Said | None = None
        for said in self._named(found):
            if best is None or said.moment >= best.moment:
                beside = tuple(lying_beside(found.package, bill))
                if any(product.means(found.package, bill, beside) for product in said.products):
                    best = said
        return best

    def _named(self, found: Match) -> Iterator[Said]:
        seen: set[int] = set()
        for name in (found.id, *found.aliases):
            for said in self._by_name.get(name.upper(), ()):
                if id(said) not in seen:
                    seen.add(id(said))
                    yield said


def lying_beside(package: Package, bill: Bill) -> Iterator[Package]:
    """Yield the packages that the same file tells, like the modules of one program."""
    paths = {place.path for place in package.places}
    return (each for each in bill.packages if any(place.path in paths for place in each.places))
