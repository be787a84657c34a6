"""The least that a WSGI application can do: send bytes that it holds. `ANSWERS` names a file of them, by path."""

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_ANSWERS = {
    path: (status, [(name, value) for name, value in headers], body.encode())
    for path, (status, headers, body) in json.loads(Path(os.environ["ANSWERS"]).read_text()).items()
}


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Send the answer that stands under the path."""
    status, headers, body = _ANSWERS[environ["PATH_INFO"]]
    start_response(status, headers)
    return [body]
