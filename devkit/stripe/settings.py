"""What a test may change about the twin while it runs (``POST /_control``)."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Fault:
    """Something that goes wrong in the next ``times`` calls that match; an empty method matches all."""

    fault: str
    method: str = ""
    path: str = "/v1"
    times: int = 1


@dataclass
class Webhooks:
    """How deliveries behave: held back, the next ``lose`` events dropped, ``repeat`` copies of each, in which order."""

    paused: bool = False
    lose: int = 0
    repeat: int = 1
    order: str = "fifo"


@dataclass
class Settings:
    """All of it; the defaults are an account where nothing goes wrong."""

    clock_offset_s: int = 0
    latency_ms: int = 0
    faults: list[Fault] = field(default_factory=list)
    webhooks: Webhooks = field(default_factory=Webhooks)

    @classmethod
    def restored(cls, saved: dict[str, Any]) -> "Settings":
        """Settings from the state file."""
        return cls(
            clock_offset_s=saved["clock_offset_s"],
            latency_ms=saved["latency_ms"],
            faults=[Fault(**fault) for fault in saved["faults"]],
            webhooks=Webhooks(**saved["webhooks"]),
        )

    def take_fault(self, method: str, path: str) -> str:
        """The name of the fault that this call meets, used up by it, or an empty string."""
        for fault in self.faults:
            if fault.method in ("", method) and path.startswith(fault.path):
                fault.times -= 1
                if not fault.times:
                    self.faults.remove(fault)
                return fault.fault
        return ""
