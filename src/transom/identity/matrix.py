"""Who holds which right, at a glance: subjects beside resources, or one subject's resources beside verbs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from transom.kube.authorizer import Authorizer, BoundSubject, Grant, Question, User, allows_rule
from transom.kube.resources import Resource

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
TELLING = (
    ("", "secrets"),
    ("", "configmaps"),
    ("", "pods"),
    ("", "pods/exec"),
    ("", "serviceaccounts/token"),
    ("apps", "deployments"),
    ("rbac.authorization.k8s.io", "rolebindings"),
    ("rbac.authorization.k8s.io", "clusterrolebindings"),
    ("", "nodes"),
)
"""The resources whose rights tell most about a subject."""


class Cell(Struct, frozen=True):
    """One right of one subject. everywhere: in the whole cluster; namespaces: else where; names: only those objects."""

    everywhere: bool = False
    namespaces: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        """Whether it is held at all."""
        return self.everywhere or bool(self.namespaces) or bool(self.names)


def cell(grants: Iterable[Grant], resource: Resource, verb: str) -> Cell:
    """Return how far a verb on a resource reaches among grants; cluster-wide resources are nobody's in one namespace."""
    name, _, subresource = resource.name.partition("/")
    question = Question(verb, resource.group, name, subresource)
    everywhere, namespaces, names = False, set(), set()
    for grant in grants:
        if grant.namespace and not resource.namespaced:
            continue
        if allows_rule(grant.rule, question):
            everywhere = everywhere or not grant.namespace
            namespaces.add(grant.namespace)
        elif grant.rule.resource_names:
            names |= _names(grant, question)
    return Cell(everywhere, () if everywhere else tuple(sorted(namespaces - {""})), tuple(sorted(names)))


def _names(grant: Grant, question: Question) -> set[str]:
    if question.verb == "deletecollection" or (question.verb == "create" and not question.subresource):
        return set()  # such requests have no name
    named = Question(
        question.verb, question.group, question.resource, question.subresource, name=grant.rule.resource_names[0]
    )
    return set(grant.rule.resource_names) if allows_rule(grant.rule, named) else set()


def of_subjects(
    authorizer: Authorizer, resources: Sequence[Resource], verbs: Sequence[str] = VERBS
) -> list[tuple[BoundSubject, list[list[Cell]]]]:
    """Return, for each subject that a binding names and that holds any of it, its cells by resource and verb.

    A subject's groups count only where a binding names it: what everybody may is shown once, at the group.
    """
    found = []
    for subject in authorizer.subjects():
        own = User("", (subject.name,)) if subject.kind == "Group" else User(subject.user)
        grants = list(authorizer.grants(own, None))
        rows = [[cell(grants, resource, verb) for verb in verbs] for resource in resources]
        if any(each.held for row in rows for each in row):
            found.append((subject, rows))
    return found


def of_resources(
    authorizer: Authorizer, user: User, resources: Sequence[Resource]
) -> list[tuple[Resource, list[Cell]]]:
    """Return the resources of which a user holds something, with its cells by verb."""
    grants = list(authorizer.grants(user, None))
    found = [(resource, [cell(grants, resource, verb) for verb in VERBS]) for resource in resources]
    return [(resource, cells) for resource, cells in found if any(each.held for each in cells)]
