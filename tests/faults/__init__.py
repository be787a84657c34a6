"""`make faults`: real processes are killed under load, and what was lost or done twice is counted.

A **row** of the table is one function in a module named in `ROWS` of `tests/faults/__main__.py`::

    @fault("provider answers, then kill -9 of the web before its commit")
    def answer_lost(stage: Stage) -> Outcome:
        web = stage.web(env={"FAULTS_HOOK": "tests.faults.payments:die_after_create"})
        ...
        return Outcome(tries=3, requests=300, lost=…, doubled=…, recovered=…, settled=…)

* `Stage` is made anew for each row: PostgreSQL with fsync and a fresh, migrated database; `stage.valkey()`,
  `stage.sink()`, `stage.web()`, `stage.relay()`, `stage.worker()`, `stage.runner()` or `stage.process(name, command)`
  start real processes, and all of them end with the row.
* Each of these is a `Part`: `part.kill()` is a SIGKILL to the whole group, `part.kill_child()` to one child of it,
  and `part.start()` brings it back on the same port.
* `stage.shell("…")` runs Python in a process with Django (to plant rows through the project's own actions), and
  `stage.rows(sql, …)` / `stage.number(sql, …)` read the database, from psycopg and by themselves.
* `env={"FAULTS_HOOK": "module:function"}` makes a process call that function once Django is ready, before it works:
  the place to wrap a function so that the process dies, by `os.kill(os.getpid(), signal.SIGKILL)`, at one exact line.
* `tests.faults.studio` is the Django app of these processes: job kinds, an endpoint, an audit event; its job kinds are
  registered in production settings plus `tests.faults.settings`, where leases last seconds, not minutes.

`python -m tests.faults WORD …` (or `make faults ROWS=WORD`) runs the rows whose titles hold one of the words. A busy
machine may need that: what has not begun after ten minutes is not tried, and counts as a failure of the run.

A row states numbers and judges nothing: the command's exit code is 1 when any row lost or doubled something.
"""
