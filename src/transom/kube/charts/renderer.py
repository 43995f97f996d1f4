"""Who renders a chart: the user's own helm, else the Helm library of the `charts` extra; each in a process of its own."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import sys
import time
import weakref
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import subprocess

RELEASE, NAMESPACE = "release-name", "default"  # what `helm template` calls a release that has no name
RENDER_S = 30.0  # honest charts take milliseconds
MAX_RENDERED_BYTES = 64 * 1024 * 1024  # the largest public charts render to about 5 MB
_SOURCE = re.compile(r"^# Source: (.+)$", re.M)
INSTALL = "install helm, or Transom's extra: pip install 'transom[charts]'"


class RenderError(Exception):
    """A chart that does not render; the text is the engine's own."""


class Renderer(Protocol):
    """Whatever turns a packed chart and values into manifests."""

    label: str

    def render(self, archive: bytes, values: Mapping[str, Any], namespace: str = NAMESPACE) -> dict[str, bytes]:
        """Return what each template became, by its path; raises RenderError."""

    def close(self) -> None:
        """End what is still running."""


def find_renderer() -> Renderer | None:
    """Return what renders charts here, or None; nothing is started before the first rendering."""
    from shutil import which

    program = which("helm")
    if program:
        return HelmProgram(program)
    return HelmLibrary() if find_spec("helm_python") else None


class HelmProgram:
    """`helm template`, one process for each rendering, without a cluster and without the user's plug-ins."""

    def __init__(self, program: str) -> None:
        self.label = f"helm ({program})"
        self._program = program

    def render(self, archive: bytes, values: Mapping[str, Any], namespace: str = NAMESPACE) -> dict[str, bytes]:
        """Return what each template became, by its path; raises RenderError."""
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="transom-chart-") as folder:
            chart, overrides = os.path.join(folder, "chart.tgz"), os.path.join(folder, "values.json")  # noqa: PTH118
            for path, content in ((chart, archive), (overrides, json.dumps(values).encode())):
                with open(path, "wb") as stream:  # noqa: PTH123
                    stream.write(content)
            command = [self._program, "template", RELEASE, chart, "--include-crds", "--namespace", namespace]
            return _by_source(_run([*command, "--values", overrides], folder))

    def close(self) -> None:
        """Nothing is kept running."""


def _run(command: list[str], folder: str) -> str:
    import subprocess

    environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "HELM_PLUGINS": folder}
    try:
        done = subprocess.run(  # noqa: S603 - a program of the user's, arguments apart
            command, capture_output=True, timeout=RENDER_S, env=environment, cwd=folder, check=False
        )
    except subprocess.TimeoutExpired:
        raise RenderError(f"it takes longer than {RENDER_S:.0f} s") from None
    if done.returncode:
        raise RenderError(done.stderr.decode("utf-8", "replace").strip() or f"exit code {done.returncode}")
    if len(done.stdout) > MAX_RENDERED_BYTES:
        raise RenderError(f"it renders to more than {MAX_RENDERED_BYTES // 2**20} MiB")
    return done.stdout.decode("utf-8", "replace")


def _by_source(text: str) -> dict[str, bytes]:
    """Cut what helm printed into templates: each document begins by naming its own."""
    found: dict[str, bytes] = {}
    cuts = list(_SOURCE.finditer(text))
    for index, cut in enumerate(cuts):
        end = cuts[index + 1].start() if index + 1 < len(cuts) else len(text)
        body = text[cut.end() + 1 : end].removesuffix("---\n")
        found[cut.group(1)] = (
            found.get(cut.group(1), b"") + (b"---\n" if cut.group(1) in found else b"") + body.encode()
        )
    return found


class HelmLibrary:
    """The Helm library in a worker process, which is started once and answers many renderings."""

    def __init__(self) -> None:
        self.label = "the Helm library"
        self._worker: subprocess.Popen[bytes] | None = None
        self._end: weakref.finalize[[subprocess.Popen[bytes]], HelmLibrary] | None = None

    def render(self, archive: bytes, values: Mapping[str, Any], namespace: str = NAMESPACE) -> dict[str, bytes]:
        """Return what each template became, by its path; raises RenderError."""
        request = {
            "archive": base64.b64encode(archive).decode(),
            "values": values,
            "name": RELEASE,
            "namespace": namespace,
        }
        answer = self._ask(json.dumps(request).encode() + b"\n")
        if "error" in answer:
            raise RenderError(str(answer["error"]))
        return {path: text.encode() for path, text in answer["templates"].items()}

    def close(self) -> None:
        """End the worker."""
        if self._end is not None:
            self._end()
        self._worker = self._end = None

    def _ask(self, request: bytes) -> dict[str, Any]:
        worker = self._worker or self._start()
        assert worker.stdin is not None
        try:
            worker.stdin.write(request)
            worker.stdin.flush()
            return self._answer(worker)
        except BrokenPipeError:
            self.close()
            raise RenderError("the renderer ended early; it may have taken too much memory") from None

    def _start(self) -> subprocess.Popen[bytes]:
        import subprocess

        command = [sys.executable, "-m", "transom.kube.charts.worker"]
        worker = subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._worker = worker
        self._end = weakref.finalize(self, _ended, worker)
        ready = self._answer(worker)
        if ready.get("ready"):
            self.label = f"the Helm library {ready['ready']}"
        return worker

    def _answer(self, worker: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Read one line, within limits; a worker that exceeds one is ended, and started anew for the next chart."""
        assert worker.stdout is not None
        deadline = time.monotonic() + RENDER_S
        line = bytearray()
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            readable, _, _ = select.select([worker.stdout], [], [], max(left, 0))
            if not readable:
                self.close()
                raise RenderError(f"it takes longer than {RENDER_S:.0f} s")
            piece = os.read(worker.stdout.fileno(), 1 << 20)
            line += piece
            if not piece or len(line) > MAX_RENDERED_BYTES:
                self.close()
                limit = f"it renders to more than {MAX_RENDERED_BYTES // 2**20} MiB"
                raise RenderError(limit if piece else "the renderer ended early; it may have taken too much memory")
        answer: dict[str, Any] = json.loads(line)
        return answer


def _ended(worker: subprocess.Popen[bytes]) -> None:
    worker.kill()
    worker.wait()
    for stream in (worker.stdin, worker.stdout):
        if stream is not None:
            stream.close()
