"""All writes of uploads; other apps call `ingest`, the API and the jobs call the modules."""

from uploads.actions.ingestion import ingest

__all__ = ["ingest"]
