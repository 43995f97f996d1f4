"""The authorizer as the API server has it, step by step: every binding is visited, every rule compared.

What the compiled one is held against, in tests and in the bench.
"""

from __future__ import annotations

from collections.abc import Iterator

from transom.kube.authorizer import Binding, BoundSubject, Policy, PolicyRule, Question, User


class LiteralAuthorizer:
    """RBAC without an index: role bindings of a namespace are listed, as the API server's own cache does."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.cluster = [binding for binding in policy.bindings if not binding.namespace]
        self.local: dict[str, list[Binding]] = {}
        for binding in policy.bindings:
            if binding.namespace:
                self.local.setdefault(binding.namespace, []).append(binding)

    def allows(self, user: User, question: Question) -> bool:
        if "system:masters" in user.groups:
            return True
        return any(rule_allows(rule, question) for rule in self.rules(user, question.namespace))

    def rules(self, user: User, namespace: str) -> Iterator[PolicyRule]:
        for binding in self.cluster:
            if any(applies(subject, user, "") for subject in binding.subjects):
                yield from self._role_rules(binding)
        if namespace:
            for binding in self.local.get(namespace, ()):
                if any(applies(subject, user, namespace) for subject in binding.subjects):
                    yield from self._role_rules(binding)

    def _role_rules(self, binding: Binding) -> tuple[PolicyRule, ...]:
        key = (binding.namespace if binding.role_kind == "Role" else "", binding.role_name)
        role = self.policy.roles.get(key)
        return role.rules if role else ()


def applies(subject: BoundSubject, user: User, namespace: str) -> bool:
    if subject.kind == "User":
        return user.name == subject.name
    if subject.kind == "Group":
        return subject.name in user.groups
    account_namespace = subject.namespace or namespace
    return bool(account_namespace) and user.name == f"system:serviceaccount:{account_namespace}:{subject.name}"


def rule_allows(rule: PolicyRule, question: Question) -> bool:
    if question.path is None:
        resource = question.resource
        combined = f"{resource}/{question.subresource}" if question.subresource else resource
        return (
            verb_matches(rule, question.verb)
            and group_matches(rule, question.group)
            and resource_matches(rule, combined, question.subresource)
            and name_matches(rule, question.name)
        )
    return verb_matches(rule, question.verb) and url_matches(rule, question.path)


def verb_matches(rule: PolicyRule, verb: str) -> bool:
    return any(each in ("*", verb) for each in rule.verbs)


def group_matches(rule: PolicyRule, group: str) -> bool:
    return any(each in ("*", group) for each in rule.api_groups)


def resource_matches(rule: PolicyRule, combined: str, subresource: str) -> bool:
    for each in rule.resources:
        if each in ("*", combined):
            return True
        if subresource and len(each) == len(subresource) + 2 and each.startswith("*/") and each.endswith(subresource):
            return True
    return False


def name_matches(rule: PolicyRule, name: str) -> bool:
    return not rule.resource_names or any(each == name for each in rule.resource_names)


def url_matches(rule: PolicyRule, url: str) -> bool:
    for each in rule.non_resource_urls:
        if each in ("*", url):
            return True
        if each.endswith("*") and url.startswith(each.rstrip("*")):
            return True
    return False
