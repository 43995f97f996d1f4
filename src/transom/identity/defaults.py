"""Roles and bindings that Kubernetes makes itself, beside what somebody has made of them."""

from __future__ import annotations

from collections.abc import Iterator

from transom.inventory import Entry, Inventory
from transom.kube.authorizer import Binding, Role, uncovered
from transom.kube.authorizer.defaults import default_binding, default_policy
from transom.kube.authorizer.policy import RefusedError, read_object
from transom.kube.authorizer.versions import LATEST
from transom.rules.check import Answer, Check, Fault

FOR_EVERYBODY = frozenset(("system:basic-user", "system:discovery", "system:public-info-viewer"))
"""Default roles that say the same in every version, so that they are judged in each."""


def widened(entry: Entry, _: Inventory, check: Check) -> Answer:
    """A default role or binding that gives more than Kubernetes makes it give."""
    try:
        made = read_object(entry.object)
    except RefusedError:
        return None
    if check.version not in ((0, 0), LATEST) and entry.ref.name not in FOR_EVERYBODY:
        return None
    if isinstance(made, Role):
        known = default_policy().roles.get(made.key)
        return None if known is None or made.selectors is not None else list(_added_rules(made, known))
    if isinstance(made, Binding):
        bound = default_binding(made.namespace, made.name)
        return None if bound is None else list(_added_subjects(made, bound))
    return None


def _added_rules(made: Role, known: Role) -> Iterator[Fault]:
    for index, rule in enumerate(made.rules):
        added = uncovered(known.rules, [rule])
        if added:
            atom = added[0]
            what = f"{atom.verbs[0]} {(atom.resources or atom.non_resource_urls)[0]}"
            more = f", and {len(added) - 1} more" if len(added) > 1 else ""
            yield Fault(f"it allows more than Kubernetes makes it allow: {what}{more}", ("rules", index), what)


def _added_subjects(made: Binding, known: Binding) -> Iterator[Fault]:
    if made.role_key != known.role_key:
        told = f"it binds {made.role_kind} {made.role_name} instead of {known.role_kind} {known.role_name}"
        yield Fault(told, ("roleRef", "name"), made.role_name)
    for index, subject in enumerate(made.subjects):
        if subject not in known.subjects:
            yield Fault(f"it binds {subject}, whom Kubernetes does not", ("subjects", index, "name"), str(subject))
