"""What is there: every object from every source, with its origins, its indexes, and the place of each of its fields."""

from transom.inventory.entries import Entry, Origin
from transom.inventory.inventory import Inventory

__all__ = ["Entry", "Inventory", "Origin"]
