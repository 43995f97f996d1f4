"""How CEL values look in Python.

| CEL | Python |
| --- | --- |
| null, bool, int, double, string, bytes | None, bool, int, float, str, bytes |
| uint | UInt, an int that remembers its type |
| list | list or tuple |
| map | dict; keys are str, int or UInt, and bool keys are BOOL_KEYS[...], because True == 1 in Python |
| timestamp, duration | Timestamp, Duration, both in whole nanoseconds |
| optional | Optional |
| type | Type |
| quantity, url, ip, cidr, semver, … | classes of their libraries, each with a `cel_type` class attribute |

Data from YAML or JSON is used as it is: no conversion before an evaluation, which is most of the speed.
"""
