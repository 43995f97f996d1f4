"""A control plane in one folder: etcd, an API server, and controllers where they are asked for."""

from __future__ import annotations

import base64
import http.client
import json
import shutil
import ssl
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import Popen
from typing import Any

from msgspec import Struct

from transom.kube.scratch.binaries import APISERVER, CONTROLLERS, ETCD, SCHEDULER, Binaries
from transom.kube.scratch.certificates import Authority, Pair, service_account_key
from transom.kube.scratch.processes import Process, Started, free_ports
from transom.kube.scratch.reaper import end_reaper, start_reaper
from transom.model.errors import TransomError

READY_S = 90.0  # a busy machine takes 20; nothing takes more but what never comes
POLL_S = 0.1
START_ATTEMPTS = 3  # another process may take a port between our finding it and the part's binding it
ADMIN, ADMIN_GROUPS = "scratch-admin", ("system:masters",)
SERVICE_RANGE = "10.0.0.0/24"
_FILES = {"audit_policy": "audit-policy.json", "admission": "admission.json", "encryption": "encryption.json"}


class Wishes(Struct, frozen=True):
    """What a control plane is to be like, beyond the defaults.

    parts: what runs besides etcd and the API server; admission: an AdmissionConfiguration; audit_policy: a Policy
    of audit.k8s.io, its log is ControlPlane.audit_log; audit_webhook: an URL that audit events are sent to, and
    audit_webhook_authority who signed its certificate, PEM; encryption: an EncryptionConfiguration; features:
    feature gates; flags: by part, each flag's value, None takes a default flag away; hosts: further names of the
    API server.
    """

    parts: tuple[str, ...] = ()
    admission: Mapping[str, Any] | None = None
    audit_policy: Mapping[str, Any] | None = None
    audit_webhook: str = ""
    audit_webhook_authority: bytes = b""
    encryption: Mapping[str, Any] | None = None
    features: Mapping[str, bool] = {}
    flags: Mapping[str, Mapping[str, str | None]] = {}
    hosts: tuple[str, ...] = ()


class ControlPlane(Started):
    """A running control plane; use it in a `with` statement, or call start and stop.

    Nothing is left behind, even if this process is killed: no process, and no file but in a folder that was given.
    """

    def __init__(self, binaries: Binaries, wishes: Wishes | None = None, folder: str | None = None) -> None:
        self.wishes = wishes or Wishes()
        self.binaries = binaries
        self.folder = Path(folder) if folder else Path(tempfile.mkdtemp(prefix="transom-scratch-"))
        self._keeps_folder = folder is not None
        self.authority = Authority()
        self.processes: dict[str, Process] = {}
        self.port = 0
        self.etcd_port = 0
        self._reaper: Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where the API server is: `https://127.0.0.1:PORT`."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def audit_log(self) -> Path:
        """The file that audit events are written to, where there is an audit policy."""
        return self.folder / "audit.log"

    # life

    def start(self) -> None:
        """Start every part and return when the API server is ready; raises TransomError where it does not come up."""
        missing = [part for part in (ETCD, APISERVER, *self.wishes.parts) if not self.binaries.has(part)]
        if missing:
            raise TransomError(
                "cannot start a control plane",
                f"there is no {', '.join(missing)}",
                "name its folder in TRANSOM_CLUSTER_BIN",
            )
        if not self._keeps_folder:
            self._reaper = start_reaper(self.folder)
        self._write_files()
        for attempt in range(1, START_ATTEMPTS + 1):
            self.etcd_port, peer_port, self.port = free_ports(3)
            try:
                self._run(ETCD, self._etcd_flags(peer_port))
                self._run(APISERVER, self._apiserver_flags())
                self._wait_until_ready()
                break
            except TransomError as error:
                if attempt == START_ATTEMPTS or "address already in use" not in error.why:
                    raise
                self._stop_processes()
        for part in self.wishes.parts:
            self._run(part, self._flags_of(part))

    def stop(self) -> None:
        """End every part, the API server before its etcd, and remove the folder if it was made here."""
        self._stop_processes()
        if self._reaper is not None:
            end_reaper(self._reaper)
            self._reaper = None
        elif not self._keeps_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, part: str) -> None:
        """Kill a part with no time to say goodbye (SIGKILL)."""
        self.processes.pop(part).kill()

    def restart(self, part: str, wishes: Wishes | None = None) -> None:
        """Stop a part and start it again, with other wishes where they are given; returns when it is ready."""
        if part in self.processes:
            self.processes.pop(part).stop()
        if wishes is not None:
            self.wishes = wishes
            self._write_files()
        if part == ETCD:
            self._run(ETCD, self._etcd_flags(free_ports(1)[0]))
        else:
            self._run(part, self._apiserver_flags() if part == APISERVER else self._flags_of(part))
        self._wait_until_ready()

    def _stop_processes(self) -> None:
        for part in reversed(list(self.processes)):
            self.processes.pop(part).stop()

    def _run(self, part: str, flags: Mapping[str, str | None]) -> None:
        merged = {**flags, **self.wishes.flags.get(part, {})}
        command = (
            *self.binaries.commands[part],
            *(f"--{name}={value}" for name, value in merged.items() if value is not None),
        )
        log = self.folder / "logs" / f"{part}.log"
        self.processes[part] = Process(part, command, log)

    def get(self, path: str) -> tuple[int, Any]:
        """Return status and body of what the API server answers an administrator; 0 where it does not answer."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self._admin_context())
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return 0, None
        finally:
            connection.close()

    # who may come in

    def user(self, name: str = ADMIN, groups: Sequence[str] = ADMIN_GROUPS) -> Pair:
        """Return the certificate of a user; the default one may do everything."""
        return self.authority.user(name, groups)

    def kubeconfig(self, name: str = ADMIN, groups: Sequence[str] = ADMIN_GROUPS, namespace: str = "default") -> Path:
        """Write a kubeconfig for a user and return its path."""
        pair = self.user(name, groups)
        safe = "".join(letter if letter.isalnum() else "-" for letter in name)
        path = self.folder / f"{safe}.kubeconfig"
        self._write(path, json.dumps(self._kubeconfig(name, pair, namespace), indent=1).encode())
        return path

    def _kubeconfig(self, name: str, pair: Pair, namespace: str) -> dict[str, Any]:
        def text(raw: bytes) -> str:
            return base64.b64encode(raw).decode()

        cluster = {"server": self.address, "certificate-authority-data": text(self.authority.pem)}
        user = {"client-certificate-data": text(pair.certificate), "client-key-data": text(pair.key)}
        context = {"cluster": "scratch", "user": name, "namespace": namespace}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "scratch", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "scratch", "context": context}],
            "current-context": "scratch",
        }

    # files and flags

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=True)
        path.write_bytes(content)

    def _file(self, name: str) -> str:
        return str(self.folder / name)

    def _write_files(self) -> None:
        (self.folder / "logs").mkdir(parents=True, exist_ok=True)
        if not (self.folder / "ca.crt").exists():
            hosts = ("127.0.0.1", "localhost", "kubernetes", "kubernetes.default.svc", "10.0.0.1", *self.wishes.hosts)
            authority, server = self.authority.pair, self.authority.server("kube-apiserver", hosts)
            kubelet_client = self.user("kube-apiserver-kubelet-client")
            private, public = service_account_key()
            for name, content in {
                "ca.crt": authority.certificate,
                "ca.key": authority.key,
                "server.crt": server.certificate,
                "server.key": server.key,
                "kubelet-client.crt": kubelet_client.certificate,
                "kubelet-client.key": kubelet_client.key,
                "service-accounts.key": private,
                "service-accounts.pub": public,
            }.items():
                self._write(self.folder / name, content)
        for field, name in _FILES.items():
            if (wish := getattr(self.wishes, field)) is not None:
                self._write(self.folder / name, json.dumps(wish, indent=1).encode())
        if self.wishes.audit_webhook:
            told = _webhook(self.wishes.audit_webhook, self.wishes.audit_webhook_authority)
            self._write(self.folder / "audit-webhook.json", json.dumps(told).encode())

    def _etcd_flags(self, peer_port: int) -> dict[str, str | None]:
        client, peer = f"http://127.0.0.1:{self.etcd_port}", f"http://127.0.0.1:{peer_port}"
        return {
            "name": "scratch",
            "data-dir": self._file("etcd"),
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"scratch={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        }

    def _apiserver_flags(self) -> dict[str, str | None]:
        wishes = self.wishes
        flags: dict[str, str | None] = {
            "etcd-servers": f"http://127.0.0.1:{self.etcd_port}",
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": str(self.port),
            "cert-dir": self._file("certificates"),
            "tls-cert-file": self._file("server.crt"),
            "tls-private-key-file": self._file("server.key"),
            "client-ca-file": self._file("ca.crt"),
            "kubelet-client-certificate": self._file("kubelet-client.crt"),
            "kubelet-client-key": self._file("kubelet-client.key"),
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": self._file("service-accounts.pub"),
            "service-account-signing-key-file": self._file("service-accounts.key"),
            "service-cluster-ip-range": SERVICE_RANGE,
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction",
            "allow-privileged": "true",
            "profiling": "false",
            "endpoint-reconciler-type": "none",
        }
        if CONTROLLERS not in wishes.parts:
            flags["disable-admission-plugins"] = "ServiceAccount"  # nobody makes the default accounts
        if wishes.audit_policy is not None:
            flags |= {"audit-policy-file": self._file("audit-policy.json"), "audit-log-path": str(self.audit_log)}
        if wishes.audit_webhook:
            flags |= {
                "audit-webhook-config-file": self._file("audit-webhook.json"),
                "audit-webhook-batch-max-wait": "1s",
            }
        if wishes.admission is not None:
            flags["admission-control-config-file"] = self._file("admission.json")
        if wishes.encryption is not None:
            flags["encryption-provider-config"] = self._file("encryption.json")
        return flags | self._features()

    def _features(self) -> dict[str, str | None]:
        gates = ",".join(f"{name}={str(on).lower()}" for name, on in self.wishes.features.items())
        return {"feature-gates": gates} if gates else {}

    def _flags_of(self, part: str) -> dict[str, str | None]:
        name = f"system:{part}"
        flags: dict[str, str | None] = {"kubeconfig": str(self.kubeconfig(name, ())), "leader-elect": "false"}
        flags |= {
            "bind-address": "127.0.0.1",
            "secure-port": str(free_ports(1)[0]),
            "cert-dir": self._file(f"{part}-tls"),
        }
        if part == CONTROLLERS:
            flags |= {
                "service-account-private-key-file": self._file("service-accounts.key"),
                "root-ca-file": self._file("ca.crt"),
                "cluster-signing-cert-file": self._file("ca.crt"),
                "cluster-signing-key-file": self._file("ca.key"),
                "use-service-account-credentials": "true",
            }
        return flags | self._features() if part in (CONTROLLERS, SCHEDULER) else flags

    # readiness

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_S
        admin = self._admin_context()
        while time.monotonic() < end:
            for part in (ETCD, APISERVER):
                process = self.processes.get(part)
                if process is not None and not process.running:
                    raise TransomError(f"{part} ended while starting", process.last_words(), f"read {process.log}")
            if self._etcd_is_healthy() and self._says_ready(admin):
                return
            time.sleep(POLL_S)
        process = self.processes[APISERVER]
        raise TransomError(
            f"the API server was not ready within {READY_S:.0f} s", process.last_words(), f"read {process.log}"
        )

    def _etcd_is_healthy(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.etcd_port, timeout=2)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _admin_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=self.authority.pem.decode())
        pair = self.user()
        self._write(self.folder / "admin.pem", pair.certificate + pair.key)
        context.load_cert_chain(self.folder / "admin.pem")
        return context

    def _says_ready(self, context: ssl.SSLContext) -> bool:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=2, context=context)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _webhook(url: str, authority: bytes) -> dict[str, Any]:
    """Return what the API server is told of a web service: a kubeconfig; authority: PEM, empty for the system's own."""
    cluster = {"server": url}
    if authority:
        cluster["certificate-authority-data"] = base64.b64encode(authority).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "receiver", "cluster": cluster}],
        "users": [{"name": "apiserver", "user": {}}],
        "contexts": [{"name": "receiver", "context": {"cluster": "receiver", "user": "apiserver"}}],
        "current-context": "receiver",
    }
