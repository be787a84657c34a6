"""Personal fields of this app."""

from common import privacy

privacy.mark("mail.Message", to=privacy.ERASE, subject=privacy.ERASE, context=privacy.ERASE)
