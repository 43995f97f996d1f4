"""libyaml's binding without the rest of PyYAML, whose own parser takes a tenth of a small scan's time to import.

Most of that are regular expressions that nobody uses who reads by libyaml (8.7 of 11 ms). The binding, while it is loaded,
asks the package `yaml` for classes; until somebody asks for more the package holds those, and no parser. It is completed,
the same module, at the first name that it does not have yet: whoever imports `yaml` later sees nothing unusual.
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

_CHEAP = ("error", "tokens", "events", "nodes")
_HEAVY = ("reader", "scanner", "parser", "composer", "constructor", "emitter", "serializer", "representer")
"""Modules of which the binding wants the errors alone, to raise them."""


class _Errors:
    """The errors of a module that is imported when the first of them is made."""

    def __init__(self, module: str) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        def make(*arguments: Any) -> Any:
            return getattr(import_module(self.module), name)(*arguments)

        return make


def _binding() -> Any:
    """Return PyYAML's module over libyaml."""
    spec = None if "yaml" in sys.modules else PathFinder.find_spec("yaml")
    if spec is not None and spec.loader is not None:
        try:
            return _alone(spec)
        except (ImportError, AttributeError):  # a PyYAML that is built otherwise: as everybody imports it
            for name in [each for each in sys.modules if each.partition(".")[0] == "yaml"]:
                del sys.modules[name]
    return import_module("yaml._yaml")


def _alone(spec: ModuleSpec) -> Any:
    package = sys.modules["yaml"] = _incomplete(spec)
    for name in _CHEAP:
        module = import_module(f"yaml.{name}")
        vars(package).update((each, found) for each, found in vars(module).items() if not each.startswith("_"))
    vars(package).update((name, _Errors(f"yaml.{name}")) for name in _HEAVY)
    found = import_module("yaml._yaml")
    for name in _HEAVY:
        vars(package).pop(name)
    return found


def _incomplete(spec: ModuleSpec) -> ModuleType:
    """Return a package that runs its own code when it is first asked for a name that it does not have."""
    package = ModuleType(spec.name)
    package.__spec__, package.__loader__, package.__file__ = spec, spec.loader, spec.origin
    package.__path__ = spec.submodule_search_locations or []
    package.__package__ = spec.name
    lock = RLock()
    begun: list[bool] = []

    def missing(name: str) -> Any:
        with lock:
            if not begun and spec.loader is not None:
                begun.append(True)
                spec.loader.exec_module(package)
        if name in vars(package):
            return vars(package)[name]
        raise AttributeError(f"module 'yaml' has no attribute {name!r}")

    vars(package)["__getattr__"] = missing
    return package


libyaml: Any = _binding()
"""PyYAML's module over libyaml."""

from yaml.error import MarkedYAMLError as MarkedYAMLError  # noqa: E402 - the package stands since the line above
from yaml.error import YAMLError as YAMLError  # noqa: E402
