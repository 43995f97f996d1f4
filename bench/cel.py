# ruff: noqa: E501 - an expression stands on one line
"""50 expressions such as admission policies have, over one pod, beside the C++ engine's Python binding.

The object comes as Python data on both sides, as YAML or JSON leaves it. Ours takes it as it is; theirs converts it, once for
each pod (an Activation that all expressions share) or once for each expression: the better of the two counts.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

EXPRESSIONS = (
    # Pod Security, baseline
    "!object.spec.?hostNetwork.orValue(false)",
    "!object.spec.?hostPID.orValue(false) && !object.spec.?hostIPC.orValue(false)",
    "!has(object.spec.hostIPC) || object.spec.hostIPC == false",
    "object.spec.containers.all(c, !c.?securityContext.?privileged.orValue(false))",
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || c.securityContext.privileged == false)",
    "(object.spec.containers + object.spec.?initContainers.orValue([])).all(c, !(c.?securityContext.?privileged.orValue(false)))",
    "object.spec.containers.all(c, c.?securityContext.?capabilities.?add.orValue([]).all(k, k in ['AUDIT_WRITE', 'CHOWN', 'DAC_OVERRIDE', 'FOWNER', 'FSETID', 'KILL', 'MKNOD', 'NET_BIND_SERVICE', 'SETFCAP', 'SETGID', 'SETPCAP', 'SETUID', 'SYS_CHROOT']))",
    "!has(object.spec.volumes) || object.spec.volumes.all(v, !has(v.hostPath))",
    "object.spec.?volumes.orValue([]).filter(v, has(v.hostPath)).size() == 0",
    "object.spec.containers.all(c, c.?ports.orValue([]).all(p, p.?hostPort.orValue(0) == 0))",
    "object.spec.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))",
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.procMount) || c.securityContext.procMount == 'Default')",
    "!has(object.spec.securityContext) || !has(object.spec.securityContext.sysctls) || object.spec.securityContext.sysctls.all(s, s.name in ['kernel.shm_rmid_forced', 'net.ipv4.ip_local_port_range', 'net.ipv4.tcp_syncookies'])",
    "object.spec.?securityContext.?seLinuxOptions.?type.orValue('') in ['', 'container_t', 'container_init_t', 'container_kvm_t']",
    "object.spec.containers.all(c, c.?securityContext.?windowsOptions.?hostProcess.orValue(false) == false)",
    "object.metadata.?annotations.orValue({}).all(k, !k.startsWith('container.apparmor.security.beta.kubernetes.io/') || object.metadata.annotations[k] in ['runtime/default', 'undefined'])",
    # Pod Security, restricted
    "object.spec.containers.all(c, has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && c.securityContext.allowPrivilegeEscalation == false)",
    "object.spec.containers.all(c, has(c.securityContext) && has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop) && c.securityContext.capabilities.drop.exists(k, k == 'ALL'))",
    "object.spec.containers.all(c, 'ALL' in c.?securityContext.?capabilities.?drop.orValue([]))",
    "object.spec.?securityContext.?runAsNonRoot.orValue(false) || object.spec.containers.all(c, c.?securityContext.?runAsNonRoot.orValue(false))",
    "object.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.runAsUser) || c.securityContext.runAsUser > 0)",
    "object.spec.?securityContext.?runAsUser.orValue(1) != 0",
    "object.spec.?securityContext.?seccompProfile.?type.orValue('Unconfined') in ['RuntimeDefault', 'Localhost']",
    "object.spec.?volumes.orValue([]).all(v, has(v.configMap) || has(v.csi) || has(v.downwardAPI) || has(v.emptyDir) || has(v.ephemeral) || has(v.persistentVolumeClaim) || has(v.projected) || has(v.secret))",
    "object.spec.containers.all(c, has(c.securityContext) && c.securityContext.?readOnlyRootFilesystem.orValue(false))",
    # resources and probes
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.limits) && has(c.resources.limits.memory))",
    "object.spec.containers.all(c, has(c.resources) && has(c.resources.requests) && 'cpu' in c.resources.requests && 'memory' in c.resources.requests)",
    "object.spec.containers.all(c, has(c.livenessProbe) && has(c.readinessProbe))",
    "object.spec.containers.exists(c, has(c.livenessProbe))",
    "object.spec.?terminationGracePeriodSeconds.orValue(30) <= 600",
    # images
    "object.spec.containers.all(c, c.image.startsWith('registry.example.com/') || c.image.startsWith('docker.io/'))",
    "object.spec.containers.all(c, !c.image.endsWith(':latest') && c.image.contains(':'))",
    "object.spec.containers.all(c, c.image.contains('@sha256:') || !c.image.endsWith(':latest'))",
    "object.spec.containers.all(c, c.?imagePullPolicy.orValue('Always') in ['Always', 'IfNotPresent'])",
    "object.spec.containers.all(c, c.image.matches('^[a-z0-9./_-]+(:[A-Za-z0-9._-]+)?(@sha256:[0-9a-f]{64})?$'))",
    "object.spec.containers.map(c, c.image).exists(i, i.startsWith('docker.io/'))",
    # metadata
    "has(object.metadata.labels) && 'app.kubernetes.io/name' in object.metadata.labels",
    "object.metadata.?labels['app.kubernetes.io/name'].orValue('') != ''",
    "['app.kubernetes.io/name', 'app.kubernetes.io/version'].all(k, k in object.metadata.labels)",
    "object.metadata.name.size() <= 63 && object.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
    "object.metadata.namespace != 'default' && !object.metadata.namespace.startsWith('kube-')",
    "!object.metadata.?annotations.orValue({}).exists(k, k.startsWith('example.com/exempt'))",
    # service accounts, scheduling, environment
    "object.spec.?automountServiceAccountToken.orValue(true) == false",
    "has(object.spec.serviceAccountName) && object.spec.serviceAccountName != 'default'",
    "object.spec.?tolerations.orValue([]).all(t, t.?operator.orValue('Equal') != 'Exists' || has(t.key))",
    "object.spec.?nodeSelector.orValue({}).all(k, k in ['kubernetes.io/os', 'topology.kubernetes.io/zone'])",
    "object.spec.containers.all(c, c.?env.orValue([]).all(e, !e.name.contains('PASSWORD') || has(e.valueFrom)))",
    "object.spec.containers.all(c, c.?volumeMounts.orValue([]).all(m, !m.mountPath.startsWith('/proc') && m.mountPath != '/var/run/docker.sock'))",
    "object.spec.containers.map(c, c.?ports.orValue([]).size()).all(n, n <= 3)",
    "object.spec.restartPolicy == 'Always' ? object.spec.containers.size() <= 5 : object.spec.containers.size() <= 10",
)

_SECURITY = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "runAsUser": 10001,
    "capabilities": {"drop": ["ALL"]},
}
_PROBE = {
    "httpGet": {"path": "/healthz", "port": 8080},
    "periodSeconds": 10,
    "timeoutSeconds": 2,
    "failureThreshold": 3,
}


def _container(name: str, port: int, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}:1.4.{port % 7}",
        "imagePullPolicy": "IfNotPresent",
        "args": ["--listen", f":{port}", "--log-format=json"],
        "ports": [{"name": "http", "containerPort": port, "protocol": "TCP"}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "DATABASE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "database", "key": "password"}}},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "500m", "memory": "256Mi"}},
        "livenessProbe": _PROBE,
        "readinessProbe": _PROBE,
        "volumeMounts": [
            {"name": "config", "mountPath": f"/etc/{name}", "readOnly": True},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
        "securityContext": _SECURITY,
        **more,
    }


POD: dict[str, Any] = json.loads(json.dumps({
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {
        "name": "cart-7d9f8b6c5-x2x7k",
        "namespace": "shop",
        "labels": {"app.kubernetes.io/name": "cart", "app.kubernetes.io/version": "1.4.2", "pod-template-hash": "7d9f8b6c5"},
        "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8080", "checksum/config": "8f3b1d" * 10},
    },
    "spec": {
        "serviceAccountName": "cart",
        "automountServiceAccountToken": False,
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "nodeSelector": {"kubernetes.io/os": "linux"},
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}],
        "initContainers": [_container("migrate", 8079)],
        "containers": [_container("cart", 8080), _container("proxy", 15001), _container("exporter", 9121)],
        "volumes": [
            {"name": "config", "configMap": {"name": "cart"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3600}}]}},
        ],
    },
}))  # fmt: skip
"""A pod as a Deployment of three containers leaves it; no two parts of it are one Python object."""

Evaluate = Callable[[Mapping[str, Any]], list[Any]]


def ours() -> tuple[list[Any], float]:
    """Return our programs, and the CPU seconds that it took to make one of them."""
    from transom.lang.cel import compile_expression
    from transom.lang.cel.environment import kubernetes_environment

    env = kubernetes_environment()
    compile_expression("object.spec.containers.all(c, has(c.image)) && 'x'.matches('x')", env)  # imports apart
    start = time.process_time()
    programs = [compile_expression(source, env) for source in EXPRESSIONS]
    return programs, (time.process_time() - start) / len(EXPRESSIONS)


def theirs() -> dict[str, Evaluate]:
    """Return the peer's ways of evaluating all expressions over one pod."""
    from cel_expr_python import cel
    from cel_expr_python.ext import ext_optional

    env = cel.NewEnv(variables={"object": cel.Type.DYN}, extensions=[ext_optional.ExtOptional()])
    compiled = [env.compile(source) for source in EXPRESSIONS]

    def shared(pod: Mapping[str, Any]) -> list[Any]:
        activation = env.Activation({"object": pod})
        return [each.eval(activation).value() for each in compiled]

    def separate(pod: Mapping[str, Any]) -> list[Any]:
        return [each.eval(data={"object": pod}).value() for each in compiled]

    return {"one activation for each pod": shared, "one for each expression": separate}


def cpu_seconds(run: Evaluate, rounds: int = 200, repeats: int = 5) -> float:
    """Return the least CPU seconds that one round took."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        for _ in range(rounds):
            run(POD)
        best = min(best, (time.process_time() - start) / rounds)
    return best


def compare() -> tuple[float, float]:
    """Return the CPU seconds for all expressions over one pod: ours, and the peer's better way; the values must agree."""
    programs, _ = ours()
    engines = theirs()
    expected = engines["one activation for each pod"](POD)
    found = [program({"object": POD}) for program in programs]
    assert found == expected, [source for source, a, b in zip(EXPRESSIONS, found, expected, strict=True) if a != b]
    return cpu_seconds(_run(programs)), min(cpu_seconds(run, rounds=40) for run in engines.values())


def _run(programs: list[Any]) -> Evaluate:
    def run(pod: Mapping[str, Any]) -> list[Any]:
        activation = {"object": pod}
        return [program(activation) for program in programs]

    return run


def main() -> None:
    """Print one JSON line, and one for people."""
    programs, compile_s = ours()
    mine, peer = compare()
    exact = cpu_seconds(lambda pod: [program.exactly({"object": pod}) for program in programs], rounds=10, repeats=3)
    fallbacks = sum(not program.is_generated for program in programs)
    figures = {
        "expressions": len(EXPRESSIONS),
        "ours_us": round(mine * 1e6, 2),
        "peer_us": round(peer * 1e6, 2),
        "ratio": round(peer / mine, 2),
        "exact_us": round(exact * 1e6, 1),
        "compile_us_each": round(compile_s * 1e6, 1),
        "exact_only": fallbacks,
    }
    print(json.dumps(figures))
    print(
        f"{len(EXPRESSIONS)} expressions over a pod: {mine * 1e6:.1f} us ({mine / len(EXPRESSIONS) * 1e6:.2f} each), C++ binding "
        f"{peer * 1e6:.1f} us: {peer / mine:.1f} times faster; exact evaluator {exact * 1e6:.0f} us; "
        f"{compile_s * 1e6:.0f} us to compile one"
    )


if __name__ == "__main__":
    main()
