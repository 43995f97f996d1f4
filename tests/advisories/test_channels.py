"""Channels, and what their feeds are called."""

from __future__ import annotations

import pytest

from transom.advisories.channels import FEEDS, feed_of
from transom.advisories.sources import sources


@pytest.mark.parametrize(
    ("channel", "feed"),
    [("debian-12", "debian"), ("rhel-9", "redhat"), ("npm", "osv:npm"), ("golang", "osv:Go"), ("fedora-41", "FEED")],
)
def test_the_feed_of_a_channel_has_a_name(channel: str, feed: str) -> None:
    assert feed_of(channel) == feed


def test_every_feed_that_is_named_can_be_fetched() -> None:
    assert set(FEEDS.values()) <= set(sources())
