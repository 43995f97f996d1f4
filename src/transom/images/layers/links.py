"""Symbolic links of a root file system, followed as the kernel follows them, and never out of the root."""

from __future__ import annotations

MAX_LINKS = 40  # that a path may lead through, as Linux has it


class Links:
    """Where links lead, by their own path; what was followed once is remembered until one changes."""

    def __init__(self) -> None:
        self.targets: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def put(self, path: str, target: str) -> None:
        """Add a link, as it is written."""
        self.targets[path] = target
        self._real = {}

    def drop(self, path: str) -> None:
        """Take a link away."""
        del self.targets[path]
        self._real = {}

    def placed(self, path: str) -> str:
        """Return where a path lies once the links among its folders are followed, its last step not."""
        if not self.targets:
            return path
        folder, _, name = path.rpartition("/")
        real = self._real.get(folder)
        if real is None:
            real = self._real[folder] = self.real(folder)
        return f"{real}/{name}" if real else name

    def real(self, path: str) -> str:
        """Return a path with every link in it followed; one that leads round in circles ends where it is."""
        if not self.targets:
            return path
        done: list[str] = []
        waiting = [step for step in path.split("/") if step][::-1]
        followed = 0
        while waiting:
            step = waiting.pop()
            if step == "..":
                done = done[:-1]
                continue
            target = self.targets.get("/".join((*done, step)))
            if target is None or followed >= MAX_LINKS:
                done.append(step)
                continue
            followed += 1
            if target.startswith("/"):
                done = []
            waiting += [each for each in target.split("/") if each not in ("", ".")][::-1]
        return "/".join(done)
