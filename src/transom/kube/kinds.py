"""Kinds: what an API server calls the resource of a kind, whether it is namespaced, and where it carries a pod template."""

from __future__ import annotations

from msgspec import Struct

from transom.model.places import Path


class Kind(Struct, frozen=True, cache_hash=True):
    """A kind in one version. plural: the resource's name in URLs and policies."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool


# group: {plural: kind}; a plural with a leading slash is cluster-wide
_BUILT_IN: dict[str, str] = {
    "": """bindings:Binding configmaps:ConfigMap endpoints:Endpoints events:Event limitranges:LimitRange
        persistentvolumeclaims:PersistentVolumeClaim pods:Pod podtemplates:PodTemplate
        replicationcontrollers:ReplicationController resourcequotas:ResourceQuota secrets:Secret
        serviceaccounts:ServiceAccount services:Service /componentstatuses:ComponentStatus /namespaces:Namespace
        /nodes:Node /persistentvolumes:PersistentVolume""",
    "admissionregistration.k8s.io": """/mutatingadmissionpolicies:MutatingAdmissionPolicy
        /mutatingadmissionpolicybindings:MutatingAdmissionPolicyBinding
        /mutatingwebhookconfigurations:MutatingWebhookConfiguration
        /validatingadmissionpolicies:ValidatingAdmissionPolicy
        /validatingadmissionpolicybindings:ValidatingAdmissionPolicyBinding
        /validatingwebhookconfigurations:ValidatingWebhookConfiguration""",
    "apiextensions.k8s.io": "/customresourcedefinitions:CustomResourceDefinition",
    "apiregistration.k8s.io": "/apiservices:APIService",
    "apps": """controllerrevisions:ControllerRevision daemonsets:DaemonSet deployments:Deployment replicasets:ReplicaSet
        statefulsets:StatefulSet""",
    "authentication.k8s.io": "/selfsubjectreviews:SelfSubjectReview /tokenreviews:TokenReview",
    "authorization.k8s.io": """localsubjectaccessreviews:LocalSubjectAccessReview
        /selfsubjectaccessreviews:SelfSubjectAccessReview /selfsubjectrulesreviews:SelfSubjectRulesReview
        /subjectaccessreviews:SubjectAccessReview""",
    "autoscaling": "horizontalpodautoscalers:HorizontalPodAutoscaler",
    "batch": "cronjobs:CronJob jobs:Job",
    "certificates.k8s.io": """/certificatesigningrequests:CertificateSigningRequest
        /clustertrustbundles:ClusterTrustBundle podcertificaterequests:PodCertificateRequest""",
    "coordination.k8s.io": "leases:Lease leasecandidates:LeaseCandidate",
    "discovery.k8s.io": "endpointslices:EndpointSlice",
    "events.k8s.io": "events:Event",
    "extensions": """daemonsets:DaemonSet deployments:Deployment ingresses:Ingress networkpolicies:NetworkPolicy
        /podsecuritypolicies:PodSecurityPolicy replicasets:ReplicaSet""",
    "flowcontrol.apiserver.k8s.io": """/flowschemas:FlowSchema
        /prioritylevelconfigurations:PriorityLevelConfiguration""",
    "internal.apiserver.k8s.io": "/storageversions:StorageVersion",
    "networking.k8s.io": """ingresses:Ingress /ingressclasses:IngressClass /ipaddresses:IPAddress
        networkpolicies:NetworkPolicy /servicecidrs:ServiceCIDR""",
    "node.k8s.io": "/runtimeclasses:RuntimeClass",
    "policy": "poddisruptionbudgets:PodDisruptionBudget /podsecuritypolicies:PodSecurityPolicy",
    "rbac.authorization.k8s.io": """clusterrolebindings:ClusterRoleBinding clusterroles:ClusterRole
        rolebindings:RoleBinding roles:Role""",
    "resource.k8s.io": """/deviceclasses:DeviceClass /devicetaintrules:DeviceTaintRule resourceclaims:ResourceClaim
        resourceclaimtemplates:ResourceClaimTemplate /resourceslices:ResourceSlice""",
    "scheduling.k8s.io": "/priorityclasses:PriorityClass",
    "storage.k8s.io": """/csidrivers:CSIDriver /csinodes:CSINode csistoragecapacities:CSIStorageCapacity
        /storageclasses:StorageClass /volumeattachments:VolumeAttachment
        /volumeattributesclasses:VolumeAttributesClass""",
    "storagemigration.k8s.io": "/storageversionmigrations:StorageVersionMigration",
    # families of custom resources that many clusters have, and that are cluster-wide or irregular
    "gateway.networking.k8s.io": "/gatewayclasses:GatewayClass gateways:Gateway",
    "networking.istio.io": "gateways:Gateway",
    "cert-manager.io": "/clusterissuers:ClusterIssuer",
    "kyverno.io": "/clusterpolicies:ClusterPolicy policies:Policy /clustercleanuppolicies:ClusterCleanupPolicy",
    "templates.gatekeeper.sh": "/constrainttemplates:ConstraintTemplate",
    "transom.dev": "/dockerfiles:Dockerfile /images:Image",
    "cilium.io": "ciliumnetworkpolicies:CiliumNetworkPolicy /ciliumclusterwidenetworkpolicies:CiliumClusterwideNetworkPolicy",
}
_CLUSTER_WIDE_RBAC = frozenset(("ClusterRole", "ClusterRoleBinding"))


def _table() -> dict[tuple[str, str], tuple[str, bool]]:
    known = {}
    for group, words in _BUILT_IN.items():
        for word in words.split():
            plural, kind = word.split(":")
            namespaced = not plural.startswith("/") and kind not in _CLUSTER_WIDE_RBAC
            known[group, kind] = (plural.lstrip("/"), namespaced)
    return known


_KNOWN = _table()

SERVED_GROUPS = frozenset(group for group in _BUILT_IN if "." not in group or group.endswith(".k8s.io"))
"""Groups of kinds that Kubernetes itself decodes, so that null fields and unknown fields vanish there."""

EQUIVALENT: dict[str, tuple[str, ...]] = {
    "deployments": ("apps", "extensions"),
    "daemonsets": ("apps", "extensions"),
    "replicasets": ("apps", "extensions"),
    "ingresses": ("networking.k8s.io", "extensions"),
    "networkpolicies": ("networking.k8s.io", "extensions"),
    "podsecuritypolicies": ("policy", "extensions"),
    "events": ("events.k8s.io", ""),
}
"""Resources that an API server serves, or served, in several groups: one object, equivalent to `matchPolicy: Equivalent`."""

_TEMPLATE: Path = ("spec", "template")
TEMPLATE_PATHS: dict[tuple[str, str], Path] = {
    ("", "Pod"): (),
    ("", "PodTemplate"): ("template",),
    ("", "ReplicationController"): _TEMPLATE,
    ("apps", "ReplicaSet"): _TEMPLATE,
    ("extensions", "ReplicaSet"): _TEMPLATE,
    ("apps", "Deployment"): _TEMPLATE,
    ("extensions", "Deployment"): _TEMPLATE,
    ("apps", "StatefulSet"): _TEMPLATE,
    ("apps", "DaemonSet"): _TEMPLATE,
    ("extensions", "DaemonSet"): _TEMPLATE,
    ("batch", "Job"): _TEMPLATE,
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
    ("argoproj.io", "Rollout"): _TEMPLATE,
    ("serving.knative.dev", "Service"): _TEMPLATE,
    ("agents.x-k8s.io", "Sandbox"): ("spec", "podTemplate"),
    ("extensions.agents.x-k8s.io", "SandboxTemplate"): ("spec", "podTemplate"),
}
"""Where each kind that makes pods carries their template, by group and kind."""


def kind_of(api_version: str, kind: str) -> Kind:
    """Return what is known of a kind; an unknown one is taken for namespaced, its plural guessed as Kubernetes guesses."""
    group, _, version = api_version.rpartition("/")
    plural, namespaced = _KNOWN.get((group, kind)) or (guess_plural(kind), True)
    return Kind(group, version, kind, plural, namespaced)


def is_namespaced(group: str, plural: str) -> bool:
    """Tell whether a resource lives in namespaces, as far as is known of it; an unknown one is taken to."""
    found = (namespaced for (known, _), (name, namespaced) in _KNOWN.items() if (known, name) == (group, plural))
    return next(found, True)


def guess_plural(kind: str) -> str:
    """Return the plural that Kubernetes guesses for a kind it has no mapping of (meta.UnsafeGuessKindToResource)."""
    word = kind.lower()
    if not word or word.endswith("endpoints"):
        return word
    if word.endswith("s"):
        return word + "es"
    return word[:-1] + "ies" if word.endswith("y") else word + "s"


def is_built_in(group: str, kind: str) -> bool:
    """Tell whether Kubernetes itself decodes the kind."""
    return group in SERVED_GROUPS and (group, kind) in _KNOWN


def template_path(group: str, kind: str) -> Path | None:
    """Return where a kind carries its pod template: () for a Pod, None for a kind that makes no pods."""
    return TEMPLATE_PATHS.get((group, kind))
