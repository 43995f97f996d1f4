"""What rights lead to: from an identity through its bindings to other identities, pods, nodes, Secrets, everything.

The primitives are data (`content/primitives`); conditions of several parts may be met by several bindings, and rules that
are gained on the way count as held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from transom.inventory import Inventory
from transom.inventory.authority import Authority
from transom.model.edges import Edge
from transom.model.refs import Ref


def edges(inventory: Inventory, authority: Authority, without: Collection[Ref] = ()) -> Iterator[Edge]:
    """Yield what identities gain; without: bindings and objects that are taken for gone."""
    from transom.identity.escalation.gains import Surroundings, consequences
    from transom.identity.escalation.rights import from_rights

    around = Surroundings(inventory, authority, frozenset(without))
    yield from from_rights(around)
    yield from consequences(around)
