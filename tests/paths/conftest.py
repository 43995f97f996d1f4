"""The same small cluster as for identities."""

from tests.identity.conftest import cluster as cluster
from tests.identity.conftest import primitives as primitives
