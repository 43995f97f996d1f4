"""What the API server writes into objects by itself: bookkeeping, defaults, and choices that it makes, as tables.

The tables follow the defaulting functions of Kubernetes 1.36 (pkg/apis/*/v*/defaults.go) and the admission plug-ins that
are on by default. A field is named by its path: `[]` stands for every element of a list, `*` for every key of a map. The
value beside it is the default, or one of the marks SERVERS, ASSIGNED and QUANTITY. What hangs on a field's neighbours is
a function of their map, under COMPLETIONS.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping
from enum import Enum
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from transom.kube.kinds import template_path
from transom.kube.sight import LAST_APPLIED
from transom.model.images import ImageError, parse_image
from transom.model.places import path_text


class Mark(Enum):
    """SERVERS: bookkeeping, never compared. ASSIGNED: chosen by the server where nobody says. QUANTITY: an amount."""

    SERVERS = "bookkeeping"
    ASSIGNED = "assigned"
    QUANTITY = "quantity"


SERVERS, ASSIGNED, QUANTITY = Mark.SERVERS, Mark.ASSIGNED, Mark.QUANTITY

Table = Mapping[str, Any]
Map = Mapping[str, Any]
Completion = Callable[[Map], Map]
"""Returns the fields of a map that differ from what is written, once the server has completed it."""

_PROBE: Table = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
    "initialDelaySeconds": 0,
    "grpc.service": "",
    "httpGet.scheme": "HTTP",
    "httpGet.path": "/",
}
_CONTAINER: Table = {
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "stdin": False,
    "stdinOnce": False,
    "tty": False,
    "resources": {},
    "resources.limits.*": QUANTITY,
    "resources.requests.*": QUANTITY,
    "securityContext": {},
    "securityContext.privileged": False,
    "securityContext.procMount": "Default",
    "env[].value": "",
    "env[].valueFrom.fieldRef.apiVersion": "v1",
    "env[].valueFrom.resourceFieldRef.divisor": QUANTITY,
    "ports[].protocol": "TCP",
    "volumeMounts[].readOnly": False,
    "lifecycle.postStart.httpGet.scheme": "HTTP",
    "lifecycle.postStart.httpGet.path": "/",
    "lifecycle.preStop.httpGet.scheme": "HTTP",
    "lifecycle.preStop.httpGet.path": "/",
    **{
        f"{probe}.{field}": value
        for probe in ("livenessProbe", "readinessProbe", "startupProbe")
        for field, value in _PROBE.items()
    },
}
_WITH_READ_ONLY = (
    *("awsElasticBlockStore", "azureDisk", "azureFile", "cephfs", "cinder", "csi", "fc", "flexVolume"),
    *("gcePersistentDisk", "glusterfs", "iscsi", "nfs", "persistentVolumeClaim", "portworxVolume", "quobyte", "rbd"),
    *("scaleIO", "storageos"),
)
_VOLUME: Table = {
    "secret.defaultMode": 0o644,
    "secret.optional": False,
    "configMap.defaultMode": 0o644,
    "configMap.optional": False,
    "downwardAPI.defaultMode": 0o644,
    "downwardAPI.items[].fieldRef.apiVersion": "v1",
    "projected.defaultMode": 0o644,
    "projected.sources[].serviceAccountToken.expirationSeconds": 3600,
    "projected.sources[].downwardAPI.items[].fieldRef.apiVersion": "v1",
    "hostPath.type": "",
    "emptyDir.medium": "",
    "emptyDir.sizeLimit": QUANTITY,
    **{f"{source}.readOnly": False for source in _WITH_READ_ONLY},
    "scaleIO.storageMode": "ThinProvisioned",
    "scaleIO.fsType": "xfs",
    "ephemeral.volumeClaimTemplate.metadata.creationTimestamp": SERVERS,
    "ephemeral.volumeClaimTemplate.spec.volumeMode": "Filesystem",
    "ephemeral.volumeClaimTemplate.spec.resources.requests.*": QUANTITY,
    "iscsi.iscsiInterface": "default",
    "rbd.pool": "rbd",
    "rbd.user": "admin",
    "rbd.keyring": "/etc/ceph/keyring",
    "azureDisk.cachingMode": "ReadWrite",
    "azureDisk.fsType": "ext4",
    "azureDisk.kind": "Shared",
}
_POD: Table = {
    "metadata": {},
    "metadata.creationTimestamp": SERVERS,
    "metadata.labels": {},
    "metadata.annotations": {},
    'metadata.annotations["kubectl.kubernetes.io/restartedAt"]': SERVERS,
    'metadata.labels["pod-template-hash"]': SERVERS,
    'metadata.labels["controller-revision-hash"]': SERVERS,
    'metadata.labels["pod-template-generation"]': SERVERS,
    "spec.restartPolicy": "Always",
    "spec.dnsPolicy": "ClusterFirst",
    "spec.schedulerName": "default-scheduler",
    "spec.terminationGracePeriodSeconds": 30,
    "spec.securityContext": {},
    "spec.enableServiceLinks": True,
    "spec.hostNetwork": False,
    "spec.hostPID": False,
    "spec.hostIPC": False,
    "spec.preemptionPolicy": ASSIGNED,
    "spec.priority": ASSIGNED,
    "spec.overhead.*": QUANTITY,
    **{f"spec.volumes[].{field}": value for field, value in _VOLUME.items()},
    **{
        f"spec.{containers}[].{field}": value
        for containers in ("containers", "initContainers", "ephemeralContainers")
        for field, value in _CONTAINER.items()
    },
}
_CLAIM: Table = {
    "spec.volumeMode": "Filesystem",
    "spec.volumeName": ASSIGNED,
    "spec.storageClassName": ASSIGNED,
    "spec.resources.requests.*": QUANTITY,
    "spec.resources.limits.*": QUANTITY,
}
_JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_JOB: Table = {
    "spec.completionMode": "NonIndexed",
    "spec.suspend": False,
    "spec.backoffLimit": 6,
    "spec.podReplacementPolicy": ASSIGNED,
    "spec.manualSelector": False,
    "spec.completions": 1,
    "spec.parallelism": 1,
    "spec.selector": ASSIGNED,
    **{f'metadata.labels["{label}"]': SERVERS for label in _JOB_LABELS},
    **{f'spec.template.metadata.labels["{label}"]': SERVERS for label in _JOB_LABELS},
}
_MATCH: Table = {
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "resourceRules[].scope": "*",
    "excludeResourceRules[].scope": "*",
}
_WEBHOOK: Table = {
    "webhooks[].failurePolicy": "Fail",
    "webhooks[].matchPolicy": "Equivalent",
    "webhooks[].namespaceSelector": {},
    "webhooks[].objectSelector": {},
    "webhooks[].timeoutSeconds": 10,
    "webhooks[].reinvocationPolicy": "Never",
    "webhooks[].rules[].scope": "*",
    "webhooks[].clientConfig.service.port": 443,
    "webhooks[].clientConfig.caBundle": ASSIGNED,
}
_BINDING: Table = {"roleRef.apiGroup": "rbac.authorization.k8s.io"}

EVERY_OBJECT: Table = {
    "kind": SERVERS,  # it is what objects are matched by
    "status": SERVERS,
    "metadata.name": SERVERS,
    "metadata.generateName": SERVERS,
    "metadata.namespace": SERVERS,
    **{
        f"metadata.{field}": SERVERS
        for field in (
            "creationTimestamp",
            "deletionGracePeriodSeconds",
            "deletionTimestamp",
            "finalizers",
            "generation",
            "managedFields",
            "resourceVersion",
            "selfLink",
            "uid",
        )
    },
    "metadata": {},
    "metadata.labels": {},
    "metadata.annotations": {},
    "metadata.ownerReferences[].uid": SERVERS,
    **{
        f'metadata.annotations["{name}"]': SERVERS
        for name in (
            LAST_APPLIED,
            "deployment.kubernetes.io/revision",
            "deprecated.daemonset.template.generation",
            "pv.kubernetes.io/bind-completed",
            "pv.kubernetes.io/bound-by-controller",
            "volume.beta.kubernetes.io/storage-provisioner",
            "volume.kubernetes.io/storage-provisioner",
            "batch.kubernetes.io/job-tracking",
        )
    },
}

DEFAULTS: Mapping[tuple[str, str], Table] = {
    ("", "Pod"): {"spec.nodeName": ASSIGNED},
    ("", "ReplicationController"): {"spec.replicas": 1},
    ("", "Service"): {
        "spec.type": "ClusterIP",
        "spec.sessionAffinity": "None",
        "spec.sessionAffinityConfig.clientIP.timeoutSeconds": 10800,
        "spec.internalTrafficPolicy": "Cluster",
        "spec.externalTrafficPolicy": "Cluster",
        "spec.allocateLoadBalancerNodePorts": True,
        "spec.publishNotReadyAddresses": False,
        "spec.clusterIP": ASSIGNED,
        "spec.clusterIPs": ASSIGNED,
        "spec.ipFamilies": ASSIGNED,
        "spec.ipFamilyPolicy": ASSIGNED,
        "spec.healthCheckNodePort": ASSIGNED,
        "spec.ports[].protocol": "TCP",
        "spec.ports[].nodePort": ASSIGNED,
    },
    ("", "Namespace"): {'metadata.labels["kubernetes.io/metadata.name"]': SERVERS, "spec": SERVERS},
    ("", "Secret"): {"type": "Opaque", "data": {}},
    ("", "ConfigMap"): {"data": {}},
    ("", "ServiceAccount"): {"secrets": ASSIGNED},
    ("", "PersistentVolumeClaim"): _CLAIM,
    ("", "PersistentVolume"): {
        "spec.claimRef": ASSIGNED,
        "spec.persistentVolumeReclaimPolicy": "Retain",
        "spec.volumeMode": "Filesystem",
        "spec.capacity.*": QUANTITY,
        **{f"spec.{field}": value for field, value in _VOLUME.items()},
    },
    ("", "Endpoints"): {"subsets[].ports[].protocol": "TCP"},
    ("", "ResourceQuota"): {"spec.hard.*": QUANTITY},
    ("", "LimitRange"): {
        f"spec.limits[].{field}.*": QUANTITY
        for field in ("default", "defaultRequest", "max", "min", "maxLimitRequestRatio")
    },
    ("", "Node"): {"spec": {}, "spec.podCIDR": ASSIGNED, "spec.podCIDRs": ASSIGNED},
    ("apps", "ReplicaSet"): {
        "spec.replicas": 1,
        'metadata.labels["pod-template-hash"]': SERVERS,
        'spec.selector.matchLabels["pod-template-hash"]': SERVERS,
    },
    ("apps", "Deployment"): {
        "spec.replicas": 1,
        "spec.revisionHistoryLimit": 10,
        "spec.progressDeadlineSeconds": 600,
        "spec.paused": False,
        "spec.minReadySeconds": 0,
        "spec.strategy": {"type": "RollingUpdate"},
        "spec.strategy.type": "RollingUpdate",
    },
    ("apps", "DaemonSet"): {
        "spec.revisionHistoryLimit": 10,
        "spec.minReadySeconds": 0,
        "spec.updateStrategy": {"type": "RollingUpdate"},
        "spec.updateStrategy.type": "RollingUpdate",
        "spec.updateStrategy.rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
        "spec.updateStrategy.rollingUpdate.maxSurge": 0,
        "spec.updateStrategy.rollingUpdate.maxUnavailable": 1,
    },
    ("apps", "StatefulSet"): {
        "spec.replicas": 1,
        "spec.serviceName": "",
        "spec.revisionHistoryLimit": 10,
        "spec.minReadySeconds": 0,
        "spec.podManagementPolicy": "OrderedReady",
        "spec.persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "spec.persistentVolumeClaimRetentionPolicy.whenDeleted": "Retain",
        "spec.persistentVolumeClaimRetentionPolicy.whenScaled": "Retain",
        "spec.updateStrategy": {"type": "RollingUpdate"},
        "spec.updateStrategy.type": "RollingUpdate",
        "spec.updateStrategy.rollingUpdate": {"partition": 0},
        "spec.updateStrategy.rollingUpdate.partition": 0,
        "spec.volumeClaimTemplates[].apiVersion": SERVERS,
        "spec.volumeClaimTemplates[].kind": SERVERS,
        "spec.volumeClaimTemplates[].status": SERVERS,
        "spec.volumeClaimTemplates[].metadata.creationTimestamp": SERVERS,
        **{f"spec.volumeClaimTemplates[].{field}": value for field, value in _CLAIM.items()},
    },
    ("batch", "Job"): _JOB,
    ("batch", "CronJob"): {
        "spec.concurrencyPolicy": "Allow",
        "spec.suspend": False,
        "spec.successfulJobsHistoryLimit": 3,
        "spec.failedJobsHistoryLimit": 1,
        "spec.jobTemplate.metadata": {},
        "spec.jobTemplate.metadata.creationTimestamp": SERVERS,
        **{f"spec.jobTemplate.{field}": value for field, value in _JOB.items()},
    },
    ("autoscaling", "HorizontalPodAutoscaler"): {
        "spec.minReplicas": 1,
        "spec.metrics": ASSIGNED,
        "spec.metrics[].*.target.averageValue": QUANTITY,
        "spec.metrics[].*.target.value": QUANTITY,
        "spec.behavior": ASSIGNED,
        "spec.behavior.scaleUp.stabilizationWindowSeconds": 0,
        **{f"spec.behavior.{way}": ASSIGNED for way in ("scaleUp", "scaleDown")},
        **{f"spec.behavior.{way}.selectPolicy": "Max" for way in ("scaleUp", "scaleDown")},
        **{f"spec.behavior.{way}.policies": ASSIGNED for way in ("scaleUp", "scaleDown")},
    },
    ("networking.k8s.io", "Ingress"): {"spec.ingressClassName": ASSIGNED},
    ("networking.k8s.io", "NetworkPolicy"): {
        "spec.podSelector": {},
        "spec.ingress[].ports[].protocol": "TCP",
        "spec.egress[].ports[].protocol": "TCP",
    },
    ("networking.k8s.io", "IngressClass"): {"spec.parameters.scope": "Cluster"},
    ("rbac.authorization.k8s.io", "RoleBinding"): _BINDING,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): _BINDING,
    ("storage.k8s.io", "StorageClass"): {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    ("scheduling.k8s.io", "PriorityClass"): {"preemptionPolicy": "PreemptLowerPriority", "globalDefault": False},
    ("apiregistration.k8s.io", "APIService"): {"spec.service.port": 443, "spec.caBundle": ASSIGNED},
    ("apiextensions.k8s.io", "CustomResourceDefinition"): {
        "spec.conversion": {"strategy": "None"},
        "spec.conversion.strategy": "None",
        "spec.preserveUnknownFields": False,
        "spec.names.singular": ASSIGNED,
        "spec.names.listKind": ASSIGNED,
    },
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): _WEBHOOK,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): _WEBHOOK,
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"): {
        "spec.failurePolicy": "Fail",
        **{f"spec.matchConstraints.{field}": value for field, value in _MATCH.items()},
    },
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"): {
        f"spec.matchResources.{field}": value for field, value in _MATCH.items()
    },
}
"""What Kubernetes fills into its own kinds, by group and kind; pod templates come from a table of their own."""


# what hangs on neighbours


def _container(container: Map) -> Map:
    image = container.get("image")
    if container.get("imagePullPolicy") or not isinstance(image, str):
        return {}
    try:
        return {"imagePullPolicy": "Always" if parse_image(image).is_latest else "IfNotPresent"}
    except ImageError:
        return {"imagePullPolicy": "IfNotPresent"}


def _volume(volume: Map) -> Map:
    return {"emptyDir": {}} if volume.keys() == {"name"} else {}


def _resources(resources: Map) -> Map:
    """Complete requests: where there is none, it is as large as the limit."""
    limits, requests = resources.get("limits"), resources.get("requests")
    if not isinstance(limits, dict):
        return {}
    return {"requests": {**limits, **(requests if isinstance(requests, dict) else {})}}


def _pod_spec(spec: Map) -> Map:
    """Complete the two names of the service account, and the ports that a pod on the node's network takes there."""
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    completed: dict[str, Any] = {"serviceAccountName": account, "serviceAccount": account}
    if spec.get("hostNetwork") is True:
        for field in ("containers", "initContainers"):
            if isinstance(spec.get(field), list):
                completed[field] = [_with_host_ports(each) for each in spec[field]]
    return completed


def _with_host_ports(container: Any) -> Any:
    ports = container.get("ports") if isinstance(container, dict) else None
    if not isinstance(ports, list):
        return container
    filled = [{"hostPort": port.get("containerPort"), **port} if isinstance(port, dict) else port for port in ports]
    return {**container, "ports": filled}


def _rolling_update(strategy: Map) -> Map:
    if strategy.get("type", "RollingUpdate") != "RollingUpdate":
        return {}
    given = strategy.get("rollingUpdate")
    return {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%", **(given if isinstance(given, dict) else {})}}


def _service_port(port: Map) -> Map:
    return {} if port.get("targetPort") else {"targetPort": port.get("port")}


def _policy_types(spec: Map) -> Map:
    return {} if spec.get("policyTypes") else {"policyTypes": ["Ingress", *(["Egress"] if spec.get("egress") else [])]}


def _subject(subject: Map) -> Map:
    if subject.get("apiGroup"):
        return {}
    return {"apiGroup": "" if subject.get("kind") == "ServiceAccount" else "rbac.authorization.k8s.io"}


def _labelled_as_its_pods(controller: Map) -> Map:
    """Complete labels and selector of a controller by the labels of its template."""
    metadata, spec = (_map(controller.get(field)) for field in ("metadata", "spec"))
    labels = _map(_map(_map(spec.get("template")).get("metadata")).get("labels"))
    completed: dict[str, Any] = {"metadata": {**metadata, "labels": metadata.get("labels") or labels}}
    if controller.get("kind") == "ReplicationController":
        completed["spec"] = {**spec, "selector": spec.get("selector") or labels}
    return completed


def _map(value: Any) -> Map:
    return value if isinstance(value, dict) else {}


def gathered(secret: Map) -> Map:
    """Gather what a Secret holds under `data`, as the server stores it: its plain texts are written in base64."""
    data = dict(_map(secret.get("data")))
    for key, text in _map(secret.get("stringData")).items():
        data[key] = base64.b64encode(str(text).encode("utf-8", "surrogatepass")).decode() if text else ""
    return {"data": data, "stringData": None}


def _aggregated(role: Map) -> Map:
    """Leave out the rules that the controller gathers from other roles."""
    return {"rules": None} if role.get("aggregationRule") else {}


_POD_COMPLETIONS: Mapping[str, Completion] = {
    "spec": _pod_spec,
    "spec.volumes[]": _volume,
    **{f"spec.{field}[]": _container for field in ("containers", "initContainers", "ephemeralContainers")},
    **{f"spec.{field}[].resources": _resources for field in ("containers", "initContainers")},
}
COMPLETIONS: Mapping[tuple[str, str], Mapping[str, Completion]] = {
    ("", "ReplicationController"): {"": _labelled_as_its_pods},
    ("", "Secret"): {"": gathered},
    ("", "Service"): {"spec.ports[]": _service_port},
    ("batch", "Job"): {"": _labelled_as_its_pods},
    ("apps", "Deployment"): {"spec.strategy": _rolling_update},
    ("networking.k8s.io", "NetworkPolicy"): {"spec": _policy_types},
    ("rbac.authorization.k8s.io", "ClusterRole"): {"": _aggregated},
    ("rbac.authorization.k8s.io", "RoleBinding"): {"subjects[]": _subject},
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): {"subjects[]": _subject},
}


# what admission adds to bare pods

_TOKEN_VOLUME = re.compile(r"kube-api-access-[a-z0-9]{5}\Z")
_NODE_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")


def is_added_by_admission(value: Any) -> bool:
    """Tell whether an element of a list is what admission puts into every pod: its token, and its patience with nodes."""
    if not isinstance(value, dict) or not isinstance(name := value.get("name", ""), str):
        return False
    if _TOKEN_VOLUME.match(name):
        mount = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": name, "readOnly": True}
        return value == mount or value.keys() == {"name", "projected"}
    return any(
        value == {"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for taint in _NODE_TAINTS
    )


# the shape of a kind


class Shape(Struct):
    """What is known of one field: of its children by name, of every child, of every element, and of itself."""

    children: dict[str, Shape] = {}
    every_child: Shape | None = None
    elements: Shape | None = None
    default: Any | UnsetType = UNSET
    mark: Mark | None = None
    complete: Completion | None = None

    def child(self, name: str) -> Shape:
        """Return what is known of a field of a map."""
        return self.children.get(name) or self.every_child or NOTHING_KNOWN

    def completed(self, value: Map) -> dict[str, Any]:
        """Return a map as the server completes it: null fields are not there, defaults are filled in."""
        written = {key: each for key, each in value.items() if each is not None}
        filled = {name: each.default for name, each in self.children.items() if each.default is not UNSET}
        whole = {**filled, **written}
        return {**whole, **self.complete(whole)} if self.complete else whole


NOTHING_KNOWN = Shape()
_STEP = re.compile(r'\[\]|\["([^"]*)"\]|([^.\[]+)')


@lru_cache(256)
def shape_of(group: str, kind: str) -> Shape:
    """Return what the server writes into objects of a kind; of kinds that it does not define, its bookkeeping only."""
    root = Shape()
    _enter(root, "", EVERY_OBJECT, {})
    _enter(root, "", DEFAULTS.get((group, kind), {}), COMPLETIONS.get((group, kind), {}))
    template = template_path(group, kind)
    if template is not None:
        _enter(root, path_text(template), _POD, _POD_COMPLETIONS)
    return root


def _enter(root: Shape, prefix: str, table: Table, completions: Mapping[str, Completion]) -> None:
    for path, value in table.items():
        field = _field(root, f"{prefix}.{path}")
        if isinstance(value, Mark):
            field.mark = value
        else:
            field.default = value
    for path, complete in completions.items():
        _field(root, f"{prefix}.{path}").complete = complete


def _field(shape: Shape, path: str) -> Shape:
    """Return the field at a path, making what is not there yet."""
    for step in _STEP.finditer(path):
        name = step[1] or step[2]
        if step[0] == "[]":
            shape.elements = shape.elements or Shape()
            shape = shape.elements
        elif name == "*":
            shape.every_child = shape.every_child or Shape()
            shape = shape.every_child
        else:
            shape = shape.children.setdefault(name, Shape())
    return shape
