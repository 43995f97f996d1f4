"""Plans made once for a kind say the same as looking at each object."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from transom.inventory import Inventory, Origin
from transom.model.findings import Judged
from transom.rules.evaluate import evaluate
from transom.rules.judge import judge, subject_of
from transom.rules.load import builtin_pack
from transom.rules.plan import plan

WORDS = st.sampled_from(["app", "ALL", "NET_RAW", "Unconfined", "RuntimeDefault", "windows", "", "example/a:1", "0"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(
                ["name", "image", "add", "drop", "type", "privileged", "runAsUser", "path", "capabilities", "hostPath"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)
SECURITY = st.dictionaries(
    st.sampled_from(["privileged", "runAsNonRoot", "runAsUser", "capabilities", "seccompProfile", "procMount"]), VALUES
)
CONTAINER = st.dictionaries(
    st.sampled_from(["name", "image", "ports", "env", "resources", "livenessProbe", "volumeMounts"]), VALUES, max_size=4
)
CONTAINERS = st.lists(
    st.builds(lambda fields, security: {**fields, "securityContext": security}, CONTAINER, SECURITY | VALUES),
    min_size=1,
    max_size=3,
)
SPECS = st.builds(
    lambda containers, more, init: {**more, "containers": containers, **({"initContainers": init} if init else {})},
    CONTAINERS,
    st.dictionaries(st.sampled_from(["hostPID", "os", "securityContext", "volumes", "hostUsers"]), VALUES, max_size=3),
    CONTAINERS | st.none(),
)


@pytest.fixture(scope="module")
def ours():
    return builtin_pack().policies


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(spec=SPECS)
def test_a_plan_judges_as_each_policy_by_itself(ours, spec):
    inventory = Inventory()
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": spec}
    entry = inventory.add(pod, Origin("here"))
    found = list(judge(inventory, ours))
    passed = {each.rule for each in found if isinstance(each, Judged) and each.passed}
    failed = {each.rule for each in found if not isinstance(each, Judged)}
    subject = subject_of(inventory, entry)
    for policy in ours:
        verdict = evaluate(policy, subject)
        assert (policy.id in passed) is (verdict.applies and not verdict.failures and not verdict.unknown), policy.id
        assert (policy.id in failed) is bool(verdict.failures or verdict.unknown), policy.id


def test_policies_whose_variables_mean_the_same_share_a_scope(pack, policy_object):
    def made(name, *variables):
        named = [{"name": each, "expression": source} for each, source in variables]
        return policy_object("true", name=name, variables=named)

    loaded = pack(
        made("one", ("a", "1")),
        made("two", ("a", "1"), ("b", "variables.a")),
        made("three", ("a", "2")),
        made("four"),
    )
    steps = plan("v1", "Pod", loaded.policies).whole
    assert [step.scope for step in steps.steps] == [0, 0, 1, 0]
    assert [sorted(scope.variables) for scope in steps.scopes] == [["a", "b"], ["a"]]
