"""Components of the OpenAPI description that no serializer makes; settings import this, so it imports nothing."""

from typing import Any

COMPONENTS: dict[str, Any] = {
    "schemas": {
        "Problem": {
            "type": "object",
            "description": "RFC 9457; clients branch on `code`.",
            "required": ["type", "title", "status", "code", "detail", "instance", "request_id"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "detail": {"type": "string"},
                "instance": {"type": "string"},
                "request_id": {"type": "string", "format": "uuid"},
                "retry_after": {"type": "integer", "minimum": 1},
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["code", "detail"],
                        "properties": {
                            "pointer": {"type": "string"},
                            "parameter": {"type": "string"},
                            "code": {"type": "string"},
                            "detail": {"type": "string"},
                        },
                    },
                },
            },
        },
    },
    "securitySchemes": {
        "staffToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "Of staff."},
        "bookingToken": {"type": "http", "scheme": "bearer", "bearerFormat": "bk_…", "description": "Of a booking."},
    },
}
