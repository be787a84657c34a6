"""The Stripe twin: a loopback stand-in of Stripe's API, webhooks and browser script.

A program (``python -m devkit.stripe``) and, for tests, ``devkit.stripe.fixture.Twin``. It needs only the standard
library and knows nothing of the project; what it imitates is public at https://docs.stripe.com/api.
"""
