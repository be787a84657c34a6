"""The job table and the processes that work it off."""
