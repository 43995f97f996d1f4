"""The process that renders charts with the Helm library: a request a line on standard input, an answer a line out.

It is a process of its own because the library brings Go's runtime, which survives no fork, and because a hostile chart
must be stopped when it takes too long or too much. A request is {"archive", "values", "name", "namespace"}, an answer
{"templates": {path: text}} or {"error": text}.
"""

from __future__ import annotations

import base64
import json
import resource
import sys
from typing import Any

MAX_MEMORY_BYTES = 6 * 1024**3  # of address space, of which Go reserves much and uses little


def main() -> None:
    """Answer requests until standard input ends."""
    import helm_python

    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    _say({"ready": getattr(helm_python, "__version__", "")})
    for line in sys.stdin.buffer:
        _say(_answer(json.loads(line)))


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    from helm_python.chart import Chart
    from helm_python.errors import HelmError

    try:  # loaded anew each time, because rendering takes the subcharts out that values disable
        with Chart.load_archive(base64.b64decode(request["archive"])) as chart:
            made = chart.render(request["values"], name=request["name"], namespace=request["namespace"])
            return {"templates": {**made, **{each["filename"]: each["data"] for each in chart.crds}}}
    except HelmError as error:
        return {"error": str(error)}


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
