"""What happens to each personal field when a person asks to be forgotten."""

from common.privacy import mark

mark(
    "bookings.Booking",
    customer_name="keep_until",
    customer_email="keep_until",
    customer_phone="erase",
    notes="erase",
    source_page="erase",
    attribution="erase",
    cancel_reason="erase",
)
