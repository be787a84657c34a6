"""Runs the decoder in a process of its own, which hostile bytes may bring down without harm."""

import json
import logging
import signal
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from uploads import decode
from uploads.constants import DECODE_CPU_SECONDS, DECODE_MEMORY_BYTES, DECODE_SECONDS
from uploads.decode import REASON_COSTLY, Decoded, Order, Output, RefusedError

PROGRAM = Path(decode.__file__)
COSTLY_SIGNALS = {-signal.SIGXCPU, -signal.SIGXFSZ, -signal.SIGSEGV, -signal.SIGABRT}

logger = logging.getLogger(__name__)


class DecoderCrashedError(Exception):
    """The child ended without a verdict and not by a limit of ours: the machine's fault, worth another attempt."""


def decode_apart(order: Order) -> Decoded:
    """Decode in a child with limits of memory, time, output and open files, and with an empty environment.

    Raises `RefusedError` for the content's fault and `DecoderCrashedError` for the machine's.
    """
    message = {"order": asdict(order), "memory_bytes": DECODE_MEMORY_BYTES, "seconds": DECODE_CPU_SECONDS}
    try:
        child = subprocess.run(  # noqa: S603 - our interpreter, our file, no shell
            [sys.executable, "-I", str(PROGRAM)],
            input=json.dumps(message),
            capture_output=True,
            text=True,
            timeout=DECODE_SECONDS,
            env={},
            cwd=order.target,
            check=False,
        )
    except subprocess.TimeoutExpired as error:  # it has its own limit of processor time, so it was kept waiting
        raise DecoderCrashedError(f"The decoder got too little of the machine in {DECODE_SECONDS} seconds.") from error
    if child.returncode in COSTLY_SIGNALS:
        raise RefusedError(REASON_COSTLY)
    if child.returncode != 0:
        logger.error("The decoder ended with %s: %s", child.returncode, child.stderr[-500:])
        raise DecoderCrashedError(f"The decoder ended with {child.returncode}.")
    return _verdict(json.loads(child.stdout))


def _verdict(answer: dict[str, Any]) -> Decoded:
    if "refused" in answer:
        raise RefusedError(answer["refused"])
    values = answer["decoded"]
    return Decoded(**values | {"thumbnails": tuple(Output(**one) for one in values["thumbnails"])})
