"""Durations and sizes of the job table; all in seconds unless the name says otherwise."""

LEASE_SECONDS = 150  # how long a worker may stay silent before its job is taken over
HEARTBEAT_SECONDS = LEASE_SECONDS / 3
REDISPATCH_SECONDS = 60  # a message to Celery that nobody claimed by then is sent again
PUBLISH_SECONDS = 3  # a relay that was killed between the row and the broker holds its jobs up for so long
UNKNOWN_KIND_DELAY_SECONDS = 300  # a row of a newer release waits for a newer worker
RETRY_SECONDS = (60, 300, 1800, 7200)
LAST_RETRY_SECONDS = 21_600  # from the fifth retry on
JITTER = 0.2  # share of the delay, both ways
DEFAULT_MAX_ATTEMPTS = 5
POLL_SECONDS = 0.25
AWAY_SECONDS = 1.0  # pause before asking again a database or broker that is away
SOFT_LIMIT_AHEAD_SECONDS = 20  # a handler hears of its time limit this long before it
LOST_THREADS = 3  # threads that outlived their time limits; with more the runner makes room for a fresh one
STOP_SECONDS = 25  # how long a stopping runner waits for its jobs
RUNNER_THREADS = {"default": 2, "mail": 1, "media": 1}  # a slow image must not hold a mail
DISPATCH_WINDOW = 200  # messages of a queue that wait for workers; more would only be sent again in vain
KEEP_DONE_DAYS = 7
KEEP_DEAD_DAYS = 90
STALLED_SECONDS = 60  # a job due for longer means that nobody polls
SILENT_SECONDS = 60  # a process that has neither claimed nor polled for so long is given up, and ends itself
BEAT_SECONDS = 10  # how often a process writes its row of `job_process`
GONE_SECONDS = 600  # rows of processes that stopped writing are folded away
SILENT_EXIT_CODE = 70  # EX_SOFTWARE of sysexits.h: the supervisor is to start the process again
ERROR_LENGTH = 2000
ALERT_KIND = "mail.alert"
