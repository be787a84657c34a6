"""What uploads refuses, by code."""

from typing import Any

from common.errors import Conflict, DomainError, Gone, RateLimited, Unavailable, Unprocessable


class UploadMissing(Conflict):
    """Confirm came before the bytes."""

    code = "upload_missing"
    title = "The bytes have not arrived"
    about = (
        "The store has no object for this file yet. Send the bytes to the signed URL and confirm again; "
        "when that URL is no longer valid, sign a new upload."
    )


class InvalidState(Conflict):
    """The file, or what it would be attached to, does not allow this now."""

    code = "invalid_state"
    title = "Not possible in the present state"
    about = (
        "The file or the object that it belongs to is in a state that does not allow this step, "
        "for example a file that was rejected, or a booking that was cancelled."
    )


class UploadExpired(Gone):
    """The signed URL ran out before anyone confirmed."""

    code = "upload_expired"
    title = "The upload has expired"
    about = "A signed upload lasts ten minutes and was not confirmed in time. Sign a new one."


class FileTooLarge(DomainError):
    """The announced size is above the limit of the purpose."""

    status = 413
    code = "file_too_large"
    title = "The file is too large"
    about = "The size is above the limit of the purpose. The member `max_bytes` of the problem names the limit."


class ContentTypeNotAllowed(DomainError):
    """The announced type is not on the list of the purpose."""

    status = 415
    code = "content_type_not_allowed"
    title = "This type of file is not accepted"
    about = (
        "Images are accepted as JPEG, PNG and WebP, documents as PDF. SVG, HTML and XML are never accepted, "
        "since a browser may run what they hold. The member `allowed` lists the types of the purpose."
    )


class SizeMismatch(Unprocessable):
    """The object has another size than was signed."""

    code = "size_mismatch"
    title = "The size is not the one that was signed"
    about = (
        "The stored object has another size than the signed request announced. "
        "The file was rejected and its object deleted."
    )


class TypeMismatch(Unprocessable):
    """The bytes are of another type than was signed."""

    code = "type_mismatch"
    title = "The content is not of the announced type"
    about = (
        "The first bytes of the object show another type of file than the signed request announced. "
        "The file was rejected and its object deleted."
    )


class ChecksumMismatch(Unprocessable):
    """The bytes have another SHA-256 than was signed."""

    code = "checksum_mismatch"
    title = "The checksum is not the one that was signed"
    about = (
        "The SHA-256 of the stored object differs from the signed one. The file was rejected and its object deleted."
    )


class ContentRefused(Unprocessable):
    """Bytes that the server itself was given cannot be served."""

    code = "content_refused"
    title = "The content cannot be used"
    about = (
        "The bytes are damaged, of another type than named, animated or too large to decode. "
        "The member `reason` says which."
    )


class TooManyPending(RateLimited):
    """The owner has as many unconfirmed uploads as are allowed."""

    code = "too_many_pending"
    title = "Too many uploads wait for their bytes"
    about = (
        "An owner may have 20 signed uploads that are not confirmed. Confirm them, or wait until the oldest expires."
    )


class QuotaExceeded(DomainError):
    """The owner's files fill the space that one owner may use."""

    status = 429
    code = "quota_exceeded"
    title = "The storage of this owner is full"
    about = (
        "The files of one owner may take 2 GiB in all. Waiting does not help: delete files that are no longer needed."
    )


class StorageUnavailable(Unavailable):
    """The store does not answer, or answers with an error of its own."""

    code = "storage_unavailable"
    title = "The file store is away"
    about = "The store did not answer. Nothing was changed; the same request may be repeated after the given time."


class StorageNotConfigured(Unavailable):
    """No store is configured, or not the bucket that the purpose needs."""

    code = "storage_not_configured"
    title = "No file store is configured"
    about = "This back end runs without the bucket that the purpose needs. Its operator has to configure one."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("retry_after", 3600)
        super().__init__(detail, **kwargs)


class ProcessingUnavailable(Unavailable):
    """The virus scanner is silent, or the decoder's process was ended by the machine."""

    code = "processing_unavailable"
    title = "Files cannot be processed now"
    about = "The virus scanner did not answer, or the machine is too busy. Nothing was kept; try again in a while."
