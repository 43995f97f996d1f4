"""Processes that end with the one that started them, however that one ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

PR_SET_PDEATHSIG = 1
MAX_LOG_TAIL_BYTES = 64 * 1024
STOP_S = 3.0  # an API server with open watches lingers for a minute; nothing of a scratch cluster is worth that

_libc = ctypes.CDLL(None, use_errno=True)


class Started:
    """What starts on entering a `with` statement and stops on leaving it; a start that fails is stopped too."""

    def start(self) -> None:
        """Start every part."""
        raise NotImplementedError

    def stop(self) -> None:
        """End every part that has been started."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class Process:
    """One running part, its output in a log file.

    The kernel kills it when the thread that started it ends, so start it from a thread that stays.
    """

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        parent = os.getpid()

        def tied_to_parent() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:  # it ended in between
                os._exit(1)

        with log.open("ab") as output:
            self._popen = subprocess.Popen(  # noqa: S603 - the caller's own binaries
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for us, who end the parts in order
                preexec_fn=tied_to_parent,  # noqa: PLW1509 - nothing but a system call happens there
                env={**os.environ, **(environment or {})},
            )
        self.pid = self._popen.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._popen.poll() is None

    def stop(self, patience_s: float = STOP_S) -> None:
        """Ask it to end; after patience_s kill it and all that it started."""
        if self.running:
            self._popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(patience_s)
        self.kill()

    def kill(self) -> None:
        """Kill it and all that it started, at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._popen.wait()

    def last_words(self, lines: int = 5) -> str:
        """Return the end of its log, errors first where there are any."""
        with contextlib.suppress(OSError):
            with self.log.open("rb") as stream:
                stream.seek(max(stream.seek(0, os.SEEK_END) - MAX_LOG_TAIL_BYTES, 0))
                text = stream.read().decode("utf-8", "replace")
            said = [line.strip() for line in text.splitlines() if line.strip()]
            errors = [
                line for line in said if line.startswith(("E", "F", "Error", "error", "panic")) or "fatal" in line
            ]
            return " | ".join((errors or said)[-lines:])
        return ""


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
