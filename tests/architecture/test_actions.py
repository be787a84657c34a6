"""Every action is keyword-only and typed, and takes its actor as `by`."""

import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

APPS = ("idempotency", "audit", "jobs", "mail", "accounts", "uploads", "cms", "bookings", "payments")
GUARDS = "idempotency.actions."  # not acts but what stands around them: the request or name that they guard comes first


def modules(app: str) -> list[ModuleType]:
    room = importlib.import_module(f"{app}.actions")
    inner = pkgutil.iter_modules(room.__path__) if hasattr(room, "__path__") else ()
    return [room, *(importlib.import_module(f"{app}.actions.{one.name}") for one in inner)]


def actions() -> list[tuple[str, object]]:
    found = {}
    for app in APPS:
        for module in modules(app):
            for name, value in vars(module).items():
                public = inspect.isfunction(value) and not name.startswith("_") and value.__module__ == module.__name__
                if public:
                    found[f"{module.__name__}.{name}"] = value
    return sorted(found.items())


@pytest.mark.parametrize(("name", "action"), actions())
def test_an_action_is_keyword_only_typed_and_documented(name, action):
    signature = inspect.signature(action)
    parameters = list(signature.parameters.values())
    kinds = {parameter.kind for parameter in parameters[1 if name.startswith(GUARDS) else 0 :]}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}, "arguments are keyword-only"
    assert all(parameter.annotation is not inspect.Parameter.empty for parameter in parameters)
    assert signature.return_annotation is not inspect.Signature.empty
    assert inspect.getdoc(action), "an action states its contract"
