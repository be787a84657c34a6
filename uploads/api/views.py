"""Views of the API of files: parse, one action, answer."""

from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from common import limits
from common.actor import Actor, actor_of
from common.api.body import parse
from common.api.permissions import grant_or_staff
from common.api.schema import operation
from common.api.views import ApiView
from common.errors import NotFound, PermissionDenied, RateLimited, ValidationFailed
from common.parameters import refuse_unknown
from idempotency.actions import Outcome, run_once
from idempotency.errors import IdempotencyKeyReused, InvalidIdempotencyKey, RequestInProgress
from uploads import errors
from uploads.actions import confirmations, deletions, reads, signatures
from uploads.api import serializers
from uploads.api.serializers import file_body, signed_body

CONFIRM_PATH = "/api/uploads/confirm"
TAGS = ["files"]


def _key(actor: Actor) -> str:
    return f"{actor.kind}:{actor.id}"


class SignUploadView(ApiView):
    """`POST /api/uploads/sign`."""

    permission_classes = [grant_or_staff()]

    @operation(
        "signUpload",
        request=serializers.SignUploadSerializer,
        responses={201: serializers.SignedUploadSerializer},
        errors=[
            NotFound, errors.InvalidState, errors.UploadExpired, errors.FileTooLarge, errors.ContentTypeNotAllowed,
            errors.TooManyPending, errors.QuotaExceeded, RateLimited, errors.StorageNotConfigured,
            InvalidIdempotencyKey, IdempotencyKeyReused, RequestInProgress,
        ],
        auth="token",
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Reserve a file and get the URL that its bytes are sent to."""
        refuse_unknown(request, ())
        actor = actor_of(request)
        limits.hit("UPLOAD_SIGN", key=_key(actor))

        def perform() -> Outcome:
            claim = signatures.Claim(**parse(request, serializers.SignUploadSerializer))
            signed = signatures.sign(claim=claim, by=actor)
            return Outcome(201, str(signed.file.pk), signed_body(signed, confirm_path=CONFIRM_PATH))

        def render(file_id: str) -> object:
            return signed_body(signatures.sign_again(file_id=UUID(file_id), by=actor), confirm_path=CONFIRM_PATH)

        return run_once(request, route="uploads.sign", required=False, perform=perform, render=render, atomic=True)


class ConfirmUploadView(ApiView):
    """`POST /api/uploads/confirm`."""

    permission_classes = [grant_or_staff()]

    @operation(
        "confirmUpload",
        request=serializers.ConfirmUploadSerializer,
        responses={200: serializers.FileSerializer},
        errors=[
            NotFound, errors.UploadMissing, errors.InvalidState, errors.UploadExpired, errors.SizeMismatch,
            errors.TypeMismatch, errors.ChecksumMismatch, RateLimited, errors.StorageUnavailable,
            errors.StorageNotConfigured,
        ],
        auth="token",
        tags=TAGS,
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        """Say that the bytes were sent; also after a PUT that seemed to fail, since they may have arrived."""
        refuse_unknown(request, ())
        actor = actor_of(request)
        limits.hit("UPLOAD_CONFIRM", key=_key(actor))
        values = parse(request, serializers.ConfirmUploadSerializer)
        return Response(file_body(confirmations.confirm(file_id=values["file_id"], by=actor)))


class FileView(ApiView):
    """`/api/files/{id}`."""

    permission_classes = [grant_or_staff()]

    @operation(
        "getFile",
        responses={200: serializers.FileSerializer},
        errors=[NotFound, ValidationFailed, errors.StorageNotConfigured],
        never=[PermissionDenied],
        auth="token",
        tags=TAGS,
    )
    def get(self, request: Request, file_id: UUID) -> Response:
        """Read the state of a file and, once it is ready, its thumbnails."""
        refuse_unknown(request, ())
        return Response(file_body(reads.show(file_id=file_id, by=actor_of(request))))

    @operation(
        "deleteFile",
        responses={202: serializers.FileSerializer},
        errors=[NotFound, ValidationFailed, errors.InvalidState],
        never=[PermissionDenied],
        auth="token",
        tags=TAGS,
    )
    def delete(self, request: Request, file_id: UUID) -> Response:
        """Withdraw a file; its objects are removed by a job."""
        refuse_unknown(request, ())
        return Response(file_body(deletions.delete(file_id=file_id, by=actor_of(request))), status=202)


class DownloadFileView(ApiView):
    """`GET /api/files/{id}/download`."""

    permission_classes = [grant_or_staff()]

    @operation(
        "downloadFile",
        responses={302: None},
        errors=[NotFound, ValidationFailed, errors.InvalidState, errors.StorageNotConfigured],
        never=[PermissionDenied],
        auth="token",
        tags=TAGS,
    )
    def get(self, request: Request, file_id: UUID) -> Response:
        """Be sent to an address that downloads the file, valid for a minute."""
        refuse_unknown(request, ())
        return Response(status=302, headers={"Location": reads.download(file_id=file_id, by=actor_of(request))})
