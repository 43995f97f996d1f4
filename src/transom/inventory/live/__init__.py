"""An inventory kept true: what happens in a cluster reaches it in order, once, and whatever breaks on the way.

    with follow(LiveCluster(options)) as followed:
        kept = LiveInventory(inventory, "cluster")
        while True:
            for step in kept.apply(followed.mailbox.take(1.0)):
                ...

Each resource has a follower (`follower.py`): it lists, watches from there on, and lists again where the watch cannot go on,
and now and then in any case, so that what was missed is found. Followers put changes into one mailbox (`mailbox.py`), which
holds the last change of each object and no more than a set number of them. Whoever digests takes them in batches
(`kept.py`). `cluster.py` runs the followers of a cluster and watches what kinds it serves; `source.py` is a real one.
"""

from transom.inventory.live.cluster import Followed, follow
from transom.inventory.live.kept import LiveInventory, Step
from transom.inventory.live.mailbox import Change, Key, Mailbox, Standing

__all__ = ["Change", "Followed", "Key", "LiveInventory", "Mailbox", "Standing", "Step", "follow"]
