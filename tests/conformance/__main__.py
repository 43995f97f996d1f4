"""`make conformance`: every public corpus, a line for each, and build/conformance.json.

A module beside this one that has `run(corpora) -> rows` scores one corpus. A row has corpus, cases, agree, differ, and
unsupported, a map from reason to count; cases = agree + differ + unsupported, so nothing is dropped.
"""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


def rows(corpora: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of every corpus, in the order of the modules' names."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))  # for what tests share
    for path in sorted(HERE.glob("*.py")):
        if path.name.startswith(("_", "test_")):
            continue
        spec = importlib.util.spec_from_file_location(f"conformance_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        if hasattr(module, "run"):
            yield from module.run(corpora)


def _written(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the file says of a corpus: counts, and why what is unsupported is."""
    counts = {
        key: row[key]
        for key in ("corpus", "cases", "agree", "differ", "recall", "precision", "whole", "rules")
        if key in row
    }
    return {**counts, "unsupported": sum(row["unsupported"].values()), "reasons": row["unsupported"]}


def main() -> int:
    """Print a line for each corpus; exit 1 where a verdict differs or a case was dropped."""
    corpora = Path(os.environ.get("TRANSOM_CORPORA") or ROOT.parent / "shared" / "corpora")
    if not corpora.is_dir():
        print(f"skipped: {corpora} is not a folder; set TRANSOM_CORPORA to the public test material")
        return 0
    scored = list(rows(corpora))
    for row in scored:
        unsupported = sum(row["unsupported"].values())
        print(
            f"{row['corpus']:24} {row['cases']:6} cases  {row['agree']:6} agree  {row['differ']:4} differ  {unsupported:5} unsupported"
        )
        if "recall" in row:
            judged = f"recall {row['recall']:.1%}, precision {row['precision']:.1%} over {len(row['rules'])} rules"
            whole = f"{row['whole']['recall']:.1%} and {row['whole']['precision']:.1%} with what differs on purpose"
            print(f"{'':24} {judged}; {whole}")
        for reason, count in sorted(row["unsupported"].items(), key=lambda pair: -pair[1]):
            print(f"{'':24} {count:6} unsupported: {reason}")
        for difference in row.get("differences", [])[:20]:
            print(f"{'':24} differs: {difference}")
    written = [_written(row) for row in scored]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build" / "conformance.json").write_text(json.dumps(written, indent=1) + "\n")
    dropped = [row["corpus"] for row in written if row["cases"] != row["agree"] + row["differ"] + row["unsupported"]]
    if dropped:
        print(f"cases were dropped: {', '.join(dropped)}")
    return 1 if dropped or any(row["differ"] for row in scored) else 0


if __name__ == "__main__":
    sys.exit(main())
