"""What a gain leads on to: accounts, pods, nodes, Secrets, as they are there in this cluster."""

from __future__ import annotations

from collections.abc import Iterator

from transom.identity.escalation.attack_pods import AttackPods
from transom.identity.escalation.primitives import Primitive, primitives
from transom.identity.subjects import user_of
from transom.inventory import Entry, Inventory
from transom.inventory.accounts import account_of, service_accounts
from transom.inventory.authority import Authority
from transom.inventory.joins import home, pod_path
from transom.inventory.placement import placements, workload_of
from transom.kube.authorizer import Binding, BoundSubject, implied
from transom.kube.authorizer.defaults import default_policy
from transom.kube.authorizer.policy import GROUP
from transom.kube.authorizer.questions import MASTERS, account_name, service_account
from transom.kube.reading import at, list_at, map_at, maps_at, text_at, texts_at
from transom.model.edges import ADMIN, ALL_SECRETS, ANY_NODE, Edge, Vertex, gain
from transom.model.refs import Ref

LOCAL = ("namespace", "workloads", "pods", "accounts", "secrets")
"""Gains that may hold in one namespace, and everywhere hold in each."""

IN_NAMESPACE = ("workloads", "pods", "accounts", "secrets")
CONTROL_PLANE = ("node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/master")
CLOUD_ROLES = ("eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id")
BOOTSTRAPPERS = "system:bootstrappers"
AZURE = "aadpodidentity.k8s.io"
AZURE_LABEL = "aadpodidbinding"
TOKEN_SECRET = "kubernetes.io/service-account-token"  # noqa: S105 - a type of Secret
ACCOUNT_ANNOTATION = "kubernetes.io/service-account.name"


class Surroundings:
    """What there is around the rights: namespaces, accounts, pods, nodes; without: what is taken for gone."""

    def __init__(self, inventory: Inventory, authority: Authority, without: frozenset[Ref]) -> None:
        self.inventory = inventory
        self.authority = authority
        self.without = without
        self.default_bindings = frozenset(default_policy().bindings)
        policy = authority.authorizer.policy
        self.bindings: list[Binding] = [each for each in policy.bindings if binding_ref(each) not in without]
        self.subjects = sorted({subject for binding in self.bindings for subject in binding.subjects})
        self.workloads = [entry for entry in inventory.entries() if inventory.joins.makes_pods(entry)]
        self.accounts = self._accounts()
        self.namespaces = self._namespaces()

    def _accounts(self) -> dict[str, list[str]]:
        """Return the service accounts of each namespace: those told, bound, or used by pods."""
        found = service_accounts(self.inventory)
        for subject in self.subjects:
            if subject.kind == "ServiceAccount":
                names = found.setdefault(subject.namespace, [])
                names += [] if subject.name in names else [subject.name]
        return found

    def _namespaces(self) -> list[str]:
        told = [entry.ref.name for entry in self.inventory.of_kind("", "Namespace")]
        bound = [binding.namespace for binding in self.bindings if binding.namespace]
        return list(dict.fromkeys([*told, *self.accounts, *bound]))

    def has_config_map(self, namespace: str, name: str) -> bool:
        """Tell whether there is a ConfigMap."""
        return any(
            (entry.ref.namespace, entry.ref.name) == (namespace, name)
            for entry in self.inventory.of_kind("", "ConfigMap")
        )

    def lets_nodes_join(self, role: str) -> bool:
        """Tell whether a ClusterRole is bound to those who come with a join token."""
        return any(
            subject.name.startswith(BOOTSTRAPPERS)
            for binding in self.bindings
            if binding.role_key == ("", role)
            for subject in binding.subjects
        )

    def gained(self, primitive: Primitive, namespace: str) -> Iterator[Vertex]:
        """Yield what a primitive gains where it is held for all names."""
        if primitive.gains == "account":
            owner, _, name = primitive.account.partition("/")
            if name in self.accounts.get(owner, ()):
                yield Vertex("ServiceAccount", owner, name)
        else:
            yield gain(primitive.gains, namespace if primitive.gains in LOCAL else "")

    def named(self, kind: str, namespace: str, name: str) -> Iterator[Vertex]:
        """Yield the things of a name; of a right that holds everywhere, those of all namespaces."""
        for here in (namespace,) if namespace else self.namespaces:
            if kind == "ServiceAccount" and name in self.accounts.get(here, ()):
                yield Vertex(kind, here, name)
            elif kind == "Pod":
                found = self.inventory.with_ref(Ref(kind="Pod", namespace=here, name=name))
                yield from (workload_of(self.inventory, entry) for entry in found)
            elif kind == "Secret":
                for entry in self.inventory.with_ref(Ref(kind="Secret", namespace=here, name=name)):
                    account = _token_account(entry)
                    if account:
                        yield Vertex("ServiceAccount", here, account)


def consequences(around: Surroundings) -> Iterator[Edge]:
    """Yield where gains lead."""
    yield from _of_gains(around)
    yield from _of_workloads(around)
    yield from _of_accounts(around)
    yield from _of_nodes(around)
    yield Edge(Vertex("Group", "", MASTERS), ADMIN, "masters")
    for subject in around.subjects:
        if subject.kind in ("User", "Group") and subject.name != MASTERS:
            yield Edge(gain("users"), Vertex(subject.kind, "", subject.name), "any-user")
    yield Edge(gain("users"), gain("accounts"), "any-user")


def _of_gains(around: Surroundings) -> Iterator[Edge]:
    attack_pods = AttackPods(around.inventory, around.authority.authorizer.version)
    for namespace in around.namespaces:
        for name in LOCAL:
            yield Edge(gain(name), gain(name, namespace), "everywhere")
        for name in IN_NAMESPACE:
            yield Edge(gain("namespace", namespace), gain(name, namespace), "namespace-holds")
        yield Edge(gain("workloads", namespace), gain("accounts", namespace), "pod-account")
        yield Edge(gain("workloads", namespace), gain("secrets", namespace), "pod-secrets")
        admitted = attack_pods.admitted(namespace)
        if admitted != "no":
            way = "pod-privileged" if admitted == "yes" else "pod-privileged-perhaps"
            yield Edge(gain("workloads", namespace), ANY_NODE, way)
        for account in around.accounts.get(namespace, ()):
            yield Edge(gain("accounts", namespace), Vertex("ServiceAccount", namespace, account), "any-account")
    yield Edge(gain("namespace"), ALL_SECRETS, "namespace-holds")
    yield Edge(gain("workloads"), ALL_SECRETS, "pod-secrets")
    for entry in around.inventory.of_kind("", "Secret"):
        account = _token_account(entry)
        if account:
            here = home(entry)[1]
            yield Edge(gain("secrets", here), Vertex("ServiceAccount", here, account), "token-secret", (entry.ref,))


def _of_workloads(around: Surroundings) -> Iterator[Edge]:
    automount = {
        (home(entry)[1], entry.ref.name): entry.object.get("automountServiceAccountToken")
        for entry in around.inventory.of_kind("", "ServiceAccount")
    }
    for entry in around.workloads:
        here, namespace = workload_of(around.inventory, entry), home(entry)[1]
        yield Edge(gain("pods", namespace), here, "any-pod")
        account = account_of(entry)
        if _mounts_token(entry, automount.get((namespace, account))) and entry.ref not in around.without:
            yield Edge(here, Vertex("ServiceAccount", namespace, account), "token-mounted", (entry.ref,))
    version = around.authority.authorizer.version
    joins = any(each.bound and around.lets_nodes_join(each.bound) for each in primitives(version))
    for here, nodes in placements(around.inventory).items():
        if joins:  # else nobody gains them, and there is one for each pod
            yield Edge(gain("kubelets"), here, "kubelet-token")
        for node in nodes:
            yield Edge(Vertex("Node", "", node), here, "hosts")
    yield from _of_azure(around)


def _of_azure(around: Surroundings) -> Iterator[Edge]:
    """Yield where the labels of pods choose an identity of Azure (the pod identity that came before workload identity)."""
    for binding in around.inventory.of_kind(AZURE, "AzureIdentityBinding"):
        namespace, spec = home(binding)[1], map_at(binding.object, "spec")
        role = Vertex("CloudRole", "", text_at(spec, "azureIdentity"))
        yield Edge(gain("workloads", namespace), role, "pod-azure-identity", (binding.ref,))
        for entry in around.workloads:
            labels = texts_at(entry.object, *pod_path(entry), "metadata", "labels")
            if home(entry)[1] == namespace and labels.get(AZURE_LABEL) == text_at(spec, "selector"):
                here = workload_of(around.inventory, entry)
                yield Edge(here, role, "azure-identity", (binding.ref, entry.ref))


def _mounts_token(entry: Entry, by_account: object) -> bool:
    """Tell whether a pod's containers hold its account's token: mounted by itself, or as a projected volume."""
    spec = map_at(entry.object, *pod_path(entry), "spec")
    own = spec.get("automountServiceAccountToken")
    if own is not False and not (own is None and by_account is False):
        return True
    sources = (source for _, volume in maps_at(spec, "volumes") for source in list_at(volume, "projected", "sources"))
    return any(at(source, "serviceAccountToken") is not None for source in sources)


def _of_accounts(around: Surroundings) -> Iterator[Edge]:
    groups = {subject.name for subject in around.subjects if subject.kind == "Group"}
    for namespace, accounts in around.accounts.items():
        for name in accounts:
            here = Vertex("ServiceAccount", namespace, name)
            for group in implied(account_name(namespace, name)).groups:
                if group in groups:
                    yield Edge(here, Vertex("Group", "", group), "in-group")
    for subject in around.subjects:
        if subject.kind != "ServiceAccount":
            for group in user_of(subject).groups:
                if group in groups:
                    yield Edge(subject_vertex(subject), Vertex("Group", "", group), "in-group")
    for entry in around.inventory.of_kind("", "ServiceAccount"):
        annotations = texts_at(entry.object, "metadata", "annotations")
        for key in CLOUD_ROLES:
            if annotations.get(key):
                here = Vertex("ServiceAccount", home(entry)[1], entry.ref.name)
                yield Edge(here, Vertex("CloudRole", "", annotations[key]), "cloud-role", (entry.ref,))


def subject_vertex(subject: BoundSubject) -> Vertex:
    """Return the vertex of whom a binding names; a user that is a service account by its name is that."""
    account = service_account(subject.user)
    return Vertex("ServiceAccount", *account) if account else Vertex(subject.kind, "", subject.name)


def binding_ref(binding: Binding) -> Ref:
    """Return a binding as reports name it."""
    return Ref(group=GROUP, kind=binding.kind, namespace=binding.namespace, name=binding.name)


def _of_nodes(around: Surroundings) -> Iterator[Edge]:
    for entry in around.inventory.of_kind("", "Node"):
        here = Vertex("Node", "", entry.ref.name)
        yield Edge(ANY_NODE, here, "any-node")
        if any(label in entry.labels for label in CONTROL_PLANE):
            yield Edge(here, ADMIN, "control-plane", (entry.ref,))


def _token_account(entry: Entry) -> str:
    if entry.object.get("type") != TOKEN_SECRET:
        return ""
    return texts_at(entry.object, "metadata", "annotations").get(ACCOUNT_ANNOTATION, "")
