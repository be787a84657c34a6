"""`manage.py run_jobs`."""

from typing import Any

from django.core.management.base import BaseCommand

from jobs.engine.runner import Runner


class Command(BaseCommand):
    """Work the job table off in this process."""

    help = "Runs background jobs from the job table until it is told to stop; needs no broker."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until SIGTERM or SIGINT."""
        runner = Runner()
        runner.stop.on_signals()
        self.stderr.write("Running jobs. Ctrl-C stops.")
        left = runner.run()
        if left:
            self.stderr.write(f"Stopped with {left} jobs still running; they run again once their leases end.")
