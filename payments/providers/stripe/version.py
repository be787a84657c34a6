"""The version of Stripe's API that the locked SDK speaks; events in another one are only read by asking again."""

import stripe

API_VERSION: str = stripe.api_version
