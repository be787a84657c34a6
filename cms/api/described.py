"""View functions with their description, made for each registered type."""

from collections.abc import Callable, Mapping
from typing import Any

from django.http.response import HttpResponseBase
from rest_framework.views import APIView

Handler = Callable[..., HttpResponseBase]
Describe = Callable[[Any], Any]
METHODS = ("get", "post", "patch", "delete")


def described(
    view: type[APIView], name: str, members: Mapping[str, Any] | None = None, **operations: Describe
) -> Handler:
    """Return the view function of a copy of `view` with these class attributes.

    `operations` describes each of its methods (`get=operation(…)`); it has no others.
    """
    methods = {method: describe(_copy(view, method)) for method, describe in operations.items()}
    silent = [one for one in METHODS if one not in methods and hasattr(view, one)]
    if silent:
        raise TypeError(f"{view.__name__} also takes {', '.join(silent)}: describe it.")
    made: type[APIView] = type(name, (view,), {**(members or {}), **methods, "__doc__": view.__doc__})
    handler: Handler = made.as_view()
    return handler


def _copy(view: type[APIView], name: str) -> Any:
    """Return a method of its own for each operation, since the description is kept on the function."""
    original = getattr(view, name)

    def method(self: APIView, *args: Any, **kwargs: Any) -> Any:
        return original(self, *args, **kwargs)

    method.__doc__, method.__name__ = original.__doc__, name
    return method
