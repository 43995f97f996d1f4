"""The API server takes the expressions that our checker takes, and refuses those that it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cluster.api import Api
from transom.lang.cel.environment import kubernetes_environment
from transom.lang.cel.errors import CelError, CelSyntaxError, CelTypeError
from transom.lang.cel.program import compile_expression

ANSWERS = json.loads((Path(__file__).parent.parent / "lang" / "cel" / "api_server_answers.json").read_text())
ENVIRONMENT = kubernetes_environment()
FOLDING = "program instantiation failed"
TYPED = """\
request.operation == 'CREATE'
request.kind.group == ''
request.nope
request.userInfo.username.startsWith('a')
request.userInfo.extra['a'][0] == 'b'
request.userInfo.groups.exists(g, g == 'x')
request.options.dryRun
request.dryRun || false
request.name + 1
namespaceObject.metadata.labels['a'] == 'b'
namespaceObject.metadata.nope
namespaceObject.spec.finalizers.size()
namespaceObject.status.phase == 'Active'
namespaceObject == null
oldObject == null
object.spec.replicas * 2
object.metadata.name == 1
params == null
params.x
authorizer.group('').resource('pods').check('get').allowed()
authorizer.serviceAccount('a', 'b').path('/healthz').check('get').reason()
authorizer.requestResource.check('get').errored()
authorizer.nope()
authorizer == authorizer
variables.nope
variables
self.x
[object, 1]
[object.a, object.b]
[object.a, 1]
{'a': object.x, 'b': 1}
object.containers.all(c, c.image)
object.containers.all(c, c)
object.containers.all(c, has(c.image) && c.image.startsWith('a'))
object.containers.map(c, c.name).sum()
has(request.subResource)
has(request.nope)
has(object)
object.?a.?b.orValue('')
object.a.?b[?0].hasValue()
cel.bind(x, 1, x)
quantity(object.a).isLessThan(quantity('1'))
quantity(1)
ip('1.2.3.4').family() == 4
isSemver('1.0.0') && semver('1.0.0').major() == 1
format.dns1123Label().validate('a').hasValue()
'%s'.format([object])
'%d'.format([object.x])
math.greatest(1, 2)
base64.encode(b'a')
lists.range(3)
[1, 2].sortBy(x, -x)
[3, 1].sort()
jsonpatch.escapeKey('a')
Object{}
JSONPatch{}
timestamp('2020-01-01T00:00:00Z')
timestamp('nope')
duration('1h') > duration('nope')
'a'.matches('(')
'a'.matches(object.x)
dyn(1) == 'a'
type(object) == map
int == type(1)
google.protobuf.Timestamp
a.b
""".splitlines()

DELIBERATE = {
    'string(timestamp("2020-01-01T1:00:00,5Z"))',  # Go's reader of times takes more than RFC 3339
    "google.protobuf.Int32Value{}",  # protocol buffers do not occur in Kubernetes' objects
}
"""Expressions that the server takes and we refuse."""


def test_the_server_compiles_what_we_compile(api: Api) -> None:
    expressions = [*TYPED, *(expression for expression, _ in ANSWERS["expressions"])]
    for group in ANSWERS["templates"]:  # one of each: the text within makes no difference to the checker
        expressions += [template % json.dumps(group["inputs"][0]) for template in group["answers"]]
    differences = []
    for expression in expressions:
        answer = api.create(_policy(expression), dry_run=True)
        if FOLDING in answer.message:  # it evaluates constants when it compiles; we meet their errors when we evaluate
            assert _errs(expression), expression
            continue
        assert answer.status == 201 or "compilation failed" in answer.message, answer.message
        if (answer.status == 201) is not _compiles(expression):
            differences.append((expression, answer.message[:300]))
    assert {expression for expression, _ in differences} == DELIBERATE


def _errs(expression: str) -> bool:
    try:
        compile_expression(expression, ENVIRONMENT)({})
    except CelError:
        return True
    return False


def _compiles(expression: str) -> bool:
    try:
        compile_expression(expression, ENVIRONMENT)
    except (CelSyntaxError, CelTypeError):
        return False
    return True


def _policy(expression: str) -> dict[str, Any]:
    """Return a policy that takes an expression of any type."""
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "any-expression"},
        "spec": {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "matchConstraints": {"resourceRules": [rule]},
            "variables": [{"name": "any", "expression": expression}],
            "validations": [{"expression": "true"}],
        },
    }
