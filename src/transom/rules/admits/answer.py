"""The joined answer: everybody who has a say, in the order of the admission chain."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from transom.inventory import Inventory, Origin
from transom.inventory.entries import DEFAULT_NAMESPACE
from transom.kube.defaulting import admitted
from transom.kube.kinds import is_built_in, kind_of
from transom.kube.podsecurity import LATEST
from transom.lang.cel.values import Unknown
from transom.model.refs import Ref
from transom.rules.admits.configured import Unread, Voice, voices
from transom.rules.admits.plugins import namespace_says, pod_security_says, quota_says
from transom.rules.admits.say import Say, State
from transom.rules.evaluate import AUTHORIZER, USER, Failure, Subject, evaluate
from transom.rules.expand import without_nulls
from transom.rules.match import Request
from transom.rules.parse import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from transom.inventory import Entry
    from transom.kube.authorizer import Authorizer, User
    from transom.lang.cel.library.authorizer import Decision, Question
    from transom.rules.policy import Policy

ASSUMED = (
    "the API server decodes the object, and its own validation takes it",
    "Pod Security has no defaults or exemptions of the cluster's own",
    "no further plug-in is on, such as ImagePolicyWebhook",
)
"""What no inventory tells, and every answer takes for granted."""

EXEMPT = frozenset(
    f"{way}{kind}"
    for way in ("Validating", "Mutating")
    for kind in ("WebhookConfiguration", "AdmissionPolicy", "AdmissionPolicyBinding")
)
"""Kinds of admissionregistration.k8s.io that neither webhooks nor policies see."""


class Requester(Struct, frozen=True):
    """Who sends the request, as authentication leaves it: groups are those that it is in, and no others."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = {}

    def info(self) -> dict[str, Any]:
        """Return `request.userInfo`."""
        extra = {key: list(values) for key, values in self.extra.items()}
        return {"username": self.name, "uid": self.uid, "groups": list(self.groups), "extra": extra}


class Answer(Struct, frozen=True):
    """Whether an object would be taken, everybody who has a say, and what the user would be warned of."""

    state: State
    says: tuple[Say, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def reasons(self) -> tuple[Say, ...]:
        """Those who decide the answer: the refusals, what is unknown; nobody where it is yes."""
        return tuple(say for say in self.says if say.state != "yes")


def admits(
    value: dict[str, Any], user: Requester | None, inventory: Inventory, target: str, version: tuple[int, int] = LATEST
) -> Answer:
    """Return whether the cluster that a target of the inventory tells would take an object that a user creates.

    user: None for somebody unknown, who makes unknown what hangs on them.
    """
    entry = _entry(value)
    name = _namespace_name(entry)
    namespace = inventory.get(target, Ref(kind="Namespace", name=name)) if name else None
    says = [*namespace_says(entry, namespace, name)]
    warnings: list[str] = []
    if not (entry.ref.group == GROUP and entry.ref.kind in EXEMPT):
        subject = _subject(entry, namespace, name, user, _authorizer(inventory, target, user))
        for voice in _voices(inventory, target, version, len(inventory)):
            say = (
                Say(voice.by, "unknown", voice.why) if isinstance(voice, Unread) else _voiced(voice, subject, warnings)
            )
            says += [say] if say else []
    secured, warned = pod_security_says(entry, namespace, name)
    says += [*secured, *quota_says(inventory, entry, target, name)]
    return Answer(_joined(says), tuple(says), tuple(warnings + warned))


def _joined(says: list[Say]) -> State:
    """Return the state: a refusal decides, unless somebody of unknown mind may change the object before it."""
    states = {say.state for say in says}
    changed = any(say.changes and say.state == "unknown" for say in says)
    firm = any(say.state == "no" and say.by == "NamespaceLifecycle" for say in says)
    if firm or ("no" in states and not changed):
        return "no"
    return "unknown" if states & {"no", "unknown"} else "yes"


@lru_cache(maxsize=2)
def _voices(inventory: Inventory, target: str, version: tuple[int, int], _size: int) -> tuple[Voice | Unread, ...]:
    """Return the voices, compiled once for all objects; _size: of the inventory, which may have grown."""
    return tuple(voices(inventory, target, version))


@lru_cache(maxsize=2)
def _rights(inventory: Inventory, target: str, _size: int) -> Authorizer | None:
    """Return what decides as the cluster's RBAC does; None where the inventory does not tell the whole of it."""
    from transom.kube.authorizer import Authorizer, read_policy
    from transom.kube.authorizer.defaults import tells_defaults

    kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    found = [e.object for kind in kinds for e in inventory.of_kind("rbac.authorization.k8s.io", kind, target)]
    policy, _ = read_policy(found)
    return Authorizer(policy) if tells_defaults(policy) else None


# the request


def _entry(value: dict[str, Any]) -> Entry:
    """Return the object as admission sees it, as an entry of its own inventory."""
    given = Inventory().add(value, Origin(""))
    if not is_built_in(given.ref.group, given.ref.kind):
        return given
    return Inventory().add(admitted(without_nulls(value), given.ref.group, given.ref.kind), Origin(""))


def _namespace_name(entry: Entry) -> str:
    if not kind_of(entry.api_version, entry.ref.kind).namespaced:
        return ""
    return entry.ref.namespace or DEFAULT_NAMESPACE


def _subject(entry: Entry, namespace: Entry | None, name: str, user: Requester | None, authorizer: Any) -> Subject:
    kind = kind_of(entry.api_version, entry.ref.kind)
    is_namespace = (kind.group, kind.plural) == ("", "namespaces")
    request = Request(
        kind=kind,
        name=str(entry.metadata.get("name") or ""),
        namespace=entry.ref.name if is_namespace else name,
        labels=(entry.labels,),
        namespace_labels=namespace.labels if namespace else None,
    )
    value = entry.object
    if name and not entry.metadata.get("namespace"):
        value = {**value, "metadata": {**entry.metadata, "namespace": name}}
    around: Any = None
    if name:
        around = without_nulls(namespace.object) if namespace else Unknown(f"the Namespace {name}")
    return Subject(
        value,
        request,
        namespace_object=around,
        user=user.info() if user else USER,
        dry_run=False,
        **_asked(authorizer, request),
    )


def _asked(authorizer: Any, request: Request) -> dict[str, Any]:
    """Return what expressions ask the authorizer by, Unknown where nobody can decide."""
    if authorizer is None:
        return {"authorizer": AUTHORIZER}
    from transom.lang.cel.library.authorizer import Authorizer, Question, ResourceCheck

    about = Question(
        group=request.kind.group, resource=request.kind.plural, namespace=request.namespace, name=request.name
    )
    return {"authorizer": Authorizer(authorizer), "request_resource": ResourceCheck(authorizer, about)}


def _authorizer(inventory: Inventory, target: str, user: Requester | None) -> Any:
    """Return what answers questions about a user, None where nobody can."""
    from transom.kube.authorizer import User

    rights = _rights(inventory, target, len(inventory))
    return partial(_decide, rights, User(user.name, user.groups)) if user and rights else None


def _decide(authorizer: Authorizer, user: User, asked: Question) -> Decision:
    from transom.kube.authorizer import Question as Asked
    from transom.kube.authorizer import implied
    from transom.kube.authorizer.questions import account_name
    from transom.lang.cel.library.authorizer import Decision

    if asked.service_account is not None:
        user = implied(account_name(*asked.service_account))
    question = Asked(
        verb=asked.verb,
        group=asked.group,
        resource=asked.resource,
        subresource=asked.subresource,
        namespace=asked.namespace,
        name=asked.name,
        path=asked.path or None,
    )
    decided = authorizer.decide(user, question)
    return Decision(decided.allowed, decided.reason)


# voices


def _voiced(voice: Voice, subject: Subject, warnings: list[str]) -> Say | None:
    """Return what a policy or webhook says, None where it has no say; warnings take what it only warns of."""
    policy = voice.policy
    verdict = evaluate(policy, subject)
    if _lacks_params(policy) and evaluate(_unjudging(policy), subject).applies:
        return Say(voice.by, "unknown", "the inventory does not tell its parameters", voice.changes)
    if not verdict.applies:
        return None
    if verdict.unknown and not verdict.failures:
        return Say(voice.by, "unknown", f"it hangs on {verdict.unknown}", voice.changes)
    failures = [each for each in verdict.failures if voice.policy.fail or not each.error]
    if voice.web or voice.changes:
        return _outside(voice, failures[0].message if failures else "", bool(verdict.failures))
    if not failures:
        return _open(voice, verdict.unknown)
    return _refused(voice, [_worded(policy, each) for each in failures], warnings)


def _lacks_params(policy: Policy) -> bool:
    """Tell whether a policy's parameters may have been left out of the inventory, which tells none of their kind."""
    return policy.param_kind is not None and not policy.params and policy.bindings[0].param_ref is not None


def _unjudging(policy: Policy) -> Policy:
    return replace(policy, param_kind=None, conditions=(), validations=())


def _open(voice: Voice, unknown: str) -> Say:
    return Say(voice.by, "unknown", f"it hangs on {unknown}") if unknown else Say(voice.by, "yes", "it holds")


def _outside(voice: Voice, refusal: str, failed: bool) -> Say | None:
    """Return what is known of a mind that is not known; one whose match conditions fail is passed over or refuses."""
    if refusal:
        return Say(voice.by, "no", refusal)
    if failed:
        return None
    why = "it may refuse it"
    if voice.changes:
        why = "it may change the object, or refuse it" if voice.web else "it may change the object"
    if voice.web and voice.policy.fail:
        why = f"{why}, also where it is not reached (failurePolicy Fail)"
    return Say(voice.by, "unknown", why, voice.changes)


def _worded(policy: Policy, failure: Failure) -> str:
    """Return a refusal in the API server's words, which name the expression that has no value."""
    if not failure.error or not failure.witnesses:
        return failure.message
    source = policy.validations[failure.index].program.source.strip()
    return f"expression '{source}' resulted in error: {failure.error}"


def _refused(voice: Voice, messages: list[str], warnings: list[str]) -> Say:
    """Return what a binding does about validations that fail: it refuses for the first, and warns of each."""
    actions: Iterator[str] = (action for binding in voice.policy.bindings for action in binding.actions)
    wanted = set(actions)
    if "Warn" in wanted:
        warnings += [f"{voice.by}: {message}" for message in messages]
    if "Deny" in wanted:
        return Say(voice.by, "no", messages[0])
    told = "it only warns" if "Warn" in wanted else "it only tells the audit log"
    return Say(voice.by, "yes", f"{told}: {messages[0]}")
