"""What accounts hold on a person, and what becomes of it when the person is erased."""

from common import privacy

privacy.mark("accounts.User", email="pseudonymise", first_name="erase", last_name="erase", password="erase")  # noqa: S106 - a mark
privacy.mark("accounts.Invite", email="pseudonymise", first_name="erase", last_name="erase")
privacy.mark("accounts.Session", ip="erase", network="erase", user_agent="erase")
