"""The Django app of the faults: jobs whose effects can be counted, and an endpoint that enqueues them."""
