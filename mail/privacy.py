"""Personal fields of this app."""

from common import privacy

privacy.mark(
    "mail.Message",
    to=privacy.ERASE,
    subject=privacy.ERASE,
    context=privacy.ERASE,
    secrets=privacy.ERASE,
    error=privacy.ERASE,
    key=privacy.PSEUDONYMISE,
)
privacy.mark("mail.Attachment", name=privacy.ERASE, content=privacy.ERASE)
privacy.mark("mail.TrackingEvent", detail=privacy.ERASE)
privacy.mark("mail.MarkedAddress", address=privacy.PSEUDONYMISE, detail=privacy.ERASE)
