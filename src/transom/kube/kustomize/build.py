"""The build of a kustomization by kubectl (or kustomize), without network, plug-ins or a cluster."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile

from msgspec import Struct

BUILD_S = 60.0  # honest builds take a tenth of a second
MAX_BUILT_BYTES = 64 * 1024 * 1024
ORIGIN = "config.kubernetes.io/origin"
INSTALL = "install kubectl, or Transom's extra: pip install 'transom[charts]'"
NOWHERE = "http://127.0.0.1:9"  # a proxy that answers nobody: what a build would fetch, it must not


class BuildError(Exception):
    """A kustomization that does not build; the text is the engine's own."""


def find_builder() -> tuple[str, ...]:
    """Return the command that builds a kustomization here, empty where there is none."""
    for name, words in (("kubectl", ("kustomize",)), ("kustomize", ("build",))):
        program = shutil.which(name) or shutil.which(name, path=os.path.dirname(sys.executable))  # noqa: PTH120
        if program:
            return (program, *words)
    return ()


class Built(Struct, frozen=True):
    """What a kustomization builds, each object annotated with its origin; top: what the origins are relative to."""

    text: bytes
    top: str

    def origin(self, annotation: str) -> str:
        """Return the file that an origin annotation names, as an absolute path; "" where it names none.

        What a generator makes has no file of its own, but the kustomization that configures it.
        """
        for line in annotation.splitlines():
            key, _, value = line.partition(": ")
            if key in ("path", "configuredIn"):
                return os.path.normpath(os.path.join(self.top, value.strip()))  # noqa: PTH118
        return ""


def build(folder: str, builder: tuple[str, ...]) -> Built:
    """Return what a kustomization builds; raises BuildError."""
    with tempfile.TemporaryDirectory(prefix="transom-kustomize-") as top:
        top = os.path.realpath(top)
        wrapper = {"resources": [os.path.relpath(folder, top)], "buildMetadata": ["originAnnotations"]}
        with open(os.path.join(top, "kustomization.yaml"), "w") as stream:  # noqa: PTH118, PTH123
            json.dump(wrapper, stream)
        return Built(_run([*builder, top], top), top)


def _run(command: list[str], top: str) -> bytes:
    environment = {"HOME": top, "PATH": top, "HTTP_PROXY": NOWHERE, "HTTPS_PROXY": NOWHERE, "ALL_PROXY": NOWHERE}
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user's, arguments apart
            command, capture_output=True, timeout=BUILD_S, env=environment, cwd=top, check=False
        )
    except subprocess.TimeoutExpired:
        raise BuildError(f"it takes longer than {BUILD_S:.0f} s") from None
    if done.returncode:
        message = done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}"
        raise BuildError(message.replace(top, "."))
    if len(done.stdout) > MAX_BUILT_BYTES:
        raise BuildError(f"it builds more than {MAX_BUILT_BYTES // 2**20} MiB")
    return done.stdout
