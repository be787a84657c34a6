"""The audit events of uploads."""

from common import events

events.register(
    "uploads",
    {
        "file.signed": "An upload was signed",
        "file.confirmed": "An upload was confirmed",
        "file.ready": "A file was processed and is ready",
        "file.rejected": "A file was rejected for its content",
        "file.failed": "A file could not be processed",
        "file.requeued": "A failed file was put back into the queue",
        "file.missing": "A ready file has lost an object",
        "file.found": "The object of a missing file is there again",
        "file.strays_deleted": "Objects that belonged to no row were deleted",
        "file.expired": "A signed upload was never confirmed",
        "file.ingested": "A file was brought in by the server",
        "file.read": "A file was opened by staff",
        "file.deleting": "A file was marked for deletion",
        "file.deleted": "The objects of a file were deleted",
        "file.erased": "A file and all that was kept of it were erased",
        "file.export_stored": "An export was put into the private store",
        "bucket.configured": "CORS or lifecycle of the buckets were set",
        "bucket.tried": "The store was tried with objects of its own, which were deleted again",
    },
)
