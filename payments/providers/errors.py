"""The only errors that leave an adapter; each says whether asking again can help."""

from payments.providers.protocol import Answer


class ProviderError(Exception):
    """Something a provider did not do; `answer` is what is known of its HTTP answer."""

    retry = False

    def __init__(self, message: str = "", *, code: str = "", param: str = "", answer: Answer | None = None) -> None:
        super().__init__(message or code or type(self).__name__)
        self.message = message
        self.code = code
        self.param = param
        self.answer = answer or Answer()


class Declined(ProviderError):
    """The customer's bank or card said no."""


class InvalidRequest(ProviderError):
    """The provider refused what we asked; it did nothing."""


class NotFound(ProviderError):
    """The provider does not know the object."""


class NotConfigured(ProviderError):
    """There are no keys for this provider."""


class Unavailable(ProviderError):
    """The provider did nothing and may be asked again after `retry_after` seconds."""

    retry = True

    def __init__(self, message: str = "", *, retry_after: float = 1, answer: Answer | None = None) -> None:
        super().__init__(message, answer=answer)
        self.retry_after = retry_after


class OutcomeUnknown(ProviderError):
    """Nobody knows whether the provider acted: only the same key may be used again.

    `final`: the same key will get this same answer for as long as the provider remembers it.
    """

    retry = True

    def __init__(self, message: str = "", *, final: bool = False, answer: Answer | None = None) -> None:
        super().__init__(message, answer=answer)
        self.final = final
