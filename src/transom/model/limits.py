"""Limits on untrusted input, each with its reason. A parser that meets one returns what it has, and says so."""

from __future__ import annotations

MAX_DOCUMENT_BYTES = 10 * 1024 * 1024  # etcd takes 1.5 MB; 10 MB leaves room for a List of many objects
MAX_DEPTH = 200  # the deepest honest CRD schema is below 60; Python's own recursion limit is 1,000
MAX_ALIASES = 1_000  # an honest chart has dozens; 10 levels of 10 already expand to 10**10 nodes
MAX_NODES = 2_000_000  # nodes of one document after aliases are expanded; 10 MB of `[[],[],…` has about as many
MAX_FILES = 200_000  # files in one target: a large monorepo has about half
MAX_POLICY_BYTES = 1024 * 1024  # a policy is text written by hand
MAX_EXPRESSION_CHARS = 100_000  # cel-go's own limit on the size of an expression, in code points
MAX_EXPRESSION_DEPTH = 250  # cel-go's limit on the recursion of its parser
CEL_CALL_COST = 1_000_000  # the API server's limit on the cost of one expression (PerCallLimit)
CEL_BINDING_COST = 10_000_000  # the API server's limit on all expressions of one policy binding together
