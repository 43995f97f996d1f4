"""Channels, and what their feeds are called."""

from __future__ import annotations

import pytest

from transom.advisories.channels import feed_of


@pytest.mark.parametrize(
    ("channel", "feed"),
    [("debian-12", "debian"), ("rhel-9", "redhat"), ("npm", "osv:npm"), ("golang", "osv:Go"), ("wolfi", "wolfi")],
)
def test_the_feed_of_a_channel_has_a_name(channel: str, feed: str) -> None:
    assert feed_of(channel) == feed
