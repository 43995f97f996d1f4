"""Pod Security levels as Kubernetes ships them: pure functions over a pod's metadata and spec, for every version."""

from transom.kube.podsecurity.levels import (
    LATEST,
    LEVELS,
    Malformed,
    Violation,
    evaluate,
    evaluate_object,
    parse_level,
)

__all__ = ["LATEST", "LEVELS", "Malformed", "Violation", "evaluate", "evaluate_object", "parse_level"]
