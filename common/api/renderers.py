"""JSON out, compact and in UTF-8."""

from rest_framework.renderers import JSONRenderer


class JsonRenderer(JSONRenderer):
    """DRF's renderer; floats that JSON does not know are a fault of ours, not output."""

    charset = "utf-8"
    strict = True
