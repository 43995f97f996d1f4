"""The lines around a finding in a Dockerfile are shown, and nothing in them that may be a secret."""

from __future__ import annotations

import pytest

from transom.cli.dockerfile_excerpts import masked_lines
from transom.cli.excerpts import excerpts
from transom.inventory import Inventory, Origin
from transom.inventory.dockerfiles import DockerfileSource, add_dockerfile
from transom.model.findings import Evidence, Finding
from transom.model.places import Locator
from transom.model.severity import Severity
from transom.report.options import Excerpt

SECRET = "s3cr3tw0rd"


def shown(text: str) -> str:
    inventory = Inventory()
    source = add_dockerfile(inventory, text.encode(), Origin("t", "Dockerfile")).source
    assert isinstance(source, DockerfileSource)
    return "\n".join(masked_lines(source))


def ask(text: str, line: int, rule: str = "dockerfile-sudo") -> Excerpt | None:
    inventory = Inventory()
    entry = add_dockerfile(inventory, text.encode(), Origin("t", "Dockerfile"))
    seen = (Evidence(Locator("Dockerfile", line, 1)),)
    return excerpts(inventory)(Finding(rule, entry.ref, Severity.LOW, "m", seen))


def test_the_lines_around_are_told_with_their_numbers() -> None:
    found = ask("FROM a:1\nRUN b\nRUN c\nRUN d\nRUN e\nRUN sudo f\n", 6)
    assert found == Excerpt(3, ("RUN c", "RUN d", "RUN e", "RUN sudo f"), 6)


@pytest.mark.parametrize(
    "line",
    [
        f"ENV A={SECRET}",
        f'ENV A="{SECRET} x" B={SECRET}',
        f"ENV A {SECRET} and more",
        f"ENV A=\\\n  {SECRET}",
        f"ARG A={SECRET}",
        f"arg A='{SECRET}'",
        f"RUN login --password {SECRET}",
        f"RUN A_TOKEN={SECRET} make",
        f"RUN git clone https://bot:{SECRET}@example.com/a",
        "RUN echo 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 > /a",
        f"RUN <<EOF\nexport API_KEY={SECRET}\nEOF",
        f"# password: {SECRET}",
    ],
)
def test_what_may_be_a_secret_is_hidden(line: str) -> None:
    told = shown(f"FROM a:1\n{line}\nRUN make\n")
    assert SECRET not in told
    assert "ghp_wWPw" not in told
    assert "***" in told
    assert told.endswith("RUN make\n")


def test_what_is_no_secret_by_its_form_stays() -> None:
    text = "FROM a:1\nENV PATH=/app/bin:$PATH PORT=8080\nARG VERSION=1.2.3\nRUN apk add curl\n"
    assert shown(text) == text


def test_lines_with_a_known_credential_are_not_told() -> None:
    assert ask("FROM a:1\nRUN b\n", 2, "dockerfile-known-credential") is None


def test_a_line_beyond_the_file_has_none() -> None:
    assert ask("FROM a:1\n", 9) is None
