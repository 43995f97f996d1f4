"""Estates of Services beside Deployments, to measure that joins cost as much as there are objects, not their square."""

from __future__ import annotations

from pathlib import Path

from bench.estate import write_estate
from bench.processes import Measured, measure

SERVICE = """\
---
apiVersion: v1
kind: Service
metadata:
  name: service-{number}
  namespace: team-{team}
spec:
  selector: {{app: service-{number}}}
  ports:
  - {{name: http, port: 80, targetPort: http}}
"""


def write_joined_estate(folder: Path, size: int) -> None:
    """Write that many Deployments, and a Service for each."""
    write_estate(folder, size)
    services = folder / "services.yaml"
    if not services.exists():
        services.write_text("".join(SERVICE.format(number=number, team=number % 40) for number in range(size)))


def joined(command: Path, build: Path, sizes: tuple[int, int]) -> list[Measured]:
    """Measure the joining checks of the network over an estate of each size."""
    rules = (
        "service-selects-nothing",
        "service-port-undeclared",
        "service-selector-twice",
        "pod-without-network-policy",
    )
    chosen = [word for rule in rules for word in ("--rule", rule)]
    found = []
    for size in sizes:
        folder = build / f"estate-joined-{size}"
        write_joined_estate(folder, size)
        words = [command, "scan", folder, *chosen, "-o", f"jsonl={build / 'joined.jsonl'}"]
        found.append(measure(words, runs=1, warm_up=0))
    return found
