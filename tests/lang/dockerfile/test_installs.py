"""What a command installs, and in which version."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transom.lang.dockerfile.commands import commands
from transom.lang.dockerfile.installs import MANAGERS, asked


def installed(script: str) -> dict[str, str]:
    return {each.name: each.version for command in commands(script) for each in asked(command.name, command.words)}


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("apt-get install -y -t stable-backports curl=8.1 git", {"curl": "8.1", "git": ""}),
        ("apk add --no-cache -t .build 'a~1.2' b", {"a": "1.2", "b": ""}),
        ("yum -y install curl-8.9 gcc-c++", {"curl": "8.9", "gcc-c++": ""}),
        ("zypper --non-interactive in a=1", {"a": "1"}),
        ("pip install -r r.txt --upgrade 'a[x]>=1' b==2 ./c", {"a[x]": ">=1", "b": "==2"}),
        ("python3.12 -m pip install a", {"a": ""}),
        ("npm i -g @scope/a@1 b@latest", {"@scope/a": "1", "b": ""}),
        ("gem install rails -v 8", {"rails": "8"}),
        ("cargo install --version=1 a", {"a": "1"}),
        ("go install example.com/a@v1 ./...", {"example.com/a": "v1"}),
        ("sudo -E apt-get install a", {"a": ""}),
        ("apt-get update", {}),
        ("apt-get install $PACKAGES ./a.deb https://example.com/b.deb", {}),
        ("make install a", {}),
    ],
)
def test_packages_are_told_with_their_versions(script: str, wanted: dict[str, str]) -> None:
    assert installed(script) == wanted


@given(st.sampled_from(sorted(MANAGERS)), st.lists(st.text(max_size=20), max_size=20))
def test_any_words_are_read(name: str, words: list[str]) -> None:
    for each in asked(name, words):
        assert each.name in " ".join(words)
