"""The machinery that works the job table off: claims, execution, outcomes, schedule, runner and relay."""
