"""What generated explanations (reasons.py) call when they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from transom.lang.cel.guards import NAMES, reject
from transom.lang.cel.witness import COMPUTED, CONSTANTS, MAX_WITNESSES, Read, Witness, distinct, each_once, together

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transom.lang.cel.program import LazyVariables


def steps(collection: Any) -> Iterable[tuple[Any, Any]]:
    """Return each element of a list with its index, or each key of a map with itself."""
    return zip(collection, collection, strict=True) if collection.__class__ is dict else enumerate(collection)


def step(index: Any) -> Any:
    """Return an index that is a step of a path."""
    return index if index.__class__ is str or index.__class__ is int else reject()


def placed(element: Any, root: object, path: tuple[Any, ...], at: Any) -> Read:
    """Return where an element stands: a map or list by itself, a scalar by its container."""
    if element.__class__ is dict or element.__class__ is list:
        return (element, ())
    return (root, (*path, at)) if root is not None else reject()


def variable_why(variables: LazyVariables, name: str, outcome: bool, elements: tuple[object, ...]) -> list[Witness]:
    """Return why a variable of the policy had this outcome."""
    found = variables.programs[name].witnesses(variables.activation, outcome)
    return [Witness((*elements, *each.elements), each.reads) for each in found]


def variable_items(variables: LazyVariables, name: str, elements: tuple[object, ...]) -> list[Witness]:
    """Return why the elements of a variable of the policy are in it."""
    found = variables.programs[name].item_witnesses(variables.activation)
    return [Witness((*elements, *each.elements), each.reads) for each in found]


def variable_list(variables: LazyVariables, name: str) -> Any:
    """Return a variable's value, if its elements are the input's own or constants."""
    program = variables.programs[name]
    if program.origin is None:
        from transom.lang.cel.reasons import origin

        program.origin = origin(program.node, variables)
    found = variables[name]
    return found if program.origin != COMPUTED and found.__class__ is list else reject()


def variable_element(variables: LazyVariables, name: str, element: Any) -> tuple[Read, ...]:
    """Return where an element of what variable_list returned stands; constants stand nowhere."""
    if element.__class__ is dict or element.__class__ is list:
        return ((element, ()),)
    return () if variables.programs[name].origin == CONSTANTS else reject()


def variable_reads(variables: LazyVariables, name: str, path: tuple[Any, ...]) -> tuple[Read, ...]:
    """Return what stands behind `variables.name` and a path from there; nothing behind constants."""
    if variables.programs[name].origin == CONSTANTS:
        return ()
    from transom.lang.cel.explain import Scope, place, reads

    scope = Scope(variables.activation)
    node = variables.programs[name].node
    where = place(node, scope)
    return ((where[0], (*where[1], *path)),) if where else reads(node, scope)


EXPLAINING_NAMES: dict[str, Any] = {
    **NAMES,
    **{each.__name__: each for each in (Witness, steps, step, placed, distinct, together)},
    **{each.__name__: each for each in (variable_why, variable_items, variable_list, variable_element, variable_reads)},
}
"""What generated explanations find in their globals."""


def finished(found: list[Witness]) -> list[Witness]:
    """Return witnesses as explain.explain does; raises where there are none."""
    return each_once(found)[:MAX_WITNESSES] if found else reject()
