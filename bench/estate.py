"""An estate of any size, generated: the same bytes every time."""

from __future__ import annotations

from pathlib import Path

DEPLOYMENT = """\
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{number}
  namespace: team-{team}
  labels: {{app: service-{number}, team: team-{team}}}
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: service-{number}}}
  template:
    metadata:
      labels: {{app: service-{number}, team: team-{team}}}
    spec:
      serviceAccountName: service-{number}
      initContainers:
      - name: migrate
        image: registry.example/team-{team}/migrate:{tag}
        command: [migrate, --to, "{tag}"]
      containers:
      - name: app
        image: registry.example/team-{team}/service-{number}:{tag}
        ports:
        - {{name: http, containerPort: 8080}}
        env:
        - {{name: LOG_LEVEL, value: info}}
        - name: TOKEN
          valueFrom: {{secretKeyRef: {{name: service-{number}, key: token}}}}
        resources:
          requests: {{cpu: 100m, memory: 128Mi}}
          limits: {{memory: 256Mi}}
        securityContext:
          allowPrivilegeEscalation: {escalation}
          readOnlyRootFilesystem: true
          runAsNonRoot: true
          capabilities: {{drop: [ALL]}}
        readinessProbe: {{httpGet: {{path: /ready, port: http}}}}
        volumeMounts:
        - {{name: scratch, mountPath: /tmp}}
      - name: sidecar
        image: registry.example/mesh/proxy:1.9.2
        resources: {{requests: {{cpu: 10m, memory: 32Mi}}}}
        securityContext: {{privileged: {privileged}}}
      volumes:
      - {{name: scratch, emptyDir: {{}}}}
"""


def write_estate(folder: Path, deployments: int, per_file: int = 100) -> None:
    """Write that many Deployments into files of per_file documents each, unless they are there already."""
    done = folder / f".{deployments}"
    if done.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    for start in range(0, deployments, per_file):
        numbers = range(start, min(start + per_file, deployments))
        (folder / f"part-{start:06}.yaml").write_text("".join(_deployment(number) for number in numbers))
    done.touch()


def _deployment(number: int) -> str:
    return DEPLOYMENT.format(
        number=number,
        team=number % 40,
        replicas=1 + number % 5,
        tag=f"{1 + number % 7}.{number % 10}.{number % 13}",
        escalation="true" if number % 9 == 0 else "false",
        privileged="true" if number % 50 == 0 else "false",
    )
