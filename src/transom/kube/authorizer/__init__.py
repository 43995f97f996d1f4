"""Who may do what, as an API server decides it: system:masters, then the Node authorizer, then RBAC.

Followed: Kubernetes 1.36 (plugin/pkg/auth/authorizer, component-helpers/auth/rbac); `versions` tells what differs before.
Grants only ever add up; what no grant allows is refused.
"""

from transom.kube.authorizer.index import Authorizer, Decision, Grant
from transom.kube.authorizer.policy import Binding, BoundSubject, Policy, Role, read_policy
from transom.kube.authorizer.questions import Question, User, implied
from transom.kube.authorizer.rules import PolicyRule, allows_rule, covers, uncovered

__all__ = [
    "Authorizer",
    "Binding",
    "BoundSubject",
    "Decision",
    "Grant",
    "Policy",
    "PolicyRule",
    "Question",
    "Role",
    "User",
    "allows_rule",
    "covers",
    "implied",
    "read_policy",
    "uncovered",
]
