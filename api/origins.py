"""Which web pages may call the API from a browser: those of the origins in `REGISTRY_ALLOWED_ORIGINS`, with their cookies, and no others.

The contract alone is open to every page; it asks for no credentials and sends none.
"""

from flask import Response, request

from registry.settings import settings

MAY_SEND = (
    "Acting-For, Authorization, Content-Digest, Content-Type, If-Match, If-None-Match, If-Range, Idempotency-Key, Phone-Clock, Range, Reason, Tus-Resumable, "
    "Upload-Checksum, Upload-Concat, Upload-Defer-Length, Upload-Length, Upload-Metadata, Upload-Offset, X-CSRF-Token, X-HTTP-Method-Override, "
    "X-Request-Id, X-Requested-With"
)
MAY_READ = (
    "API-Version, Accept-Ranges, Content-Disposition, Content-Range, ETag, Link, Location, Repr-Digest, Retry-After, Tus-Checksum-Algorithm, "
    "Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Defer-Length, Upload-Expires, Upload-Length, Upload-Metadata, Upload-Offset, "
    "X-Request-Id"
)
PREFLIGHT_HOLDS_S = 600


def allow(response: Response) -> None:
    """Tell a browser what the page that sent this request may do. The answer then depends on the origin, also for those that get nothing."""
    allowed = settings().allowed_origins
    if not allowed or "Access-Control-Allow-Origin" in response.headers:
        return
    response.vary.add("Origin")
    origin = request.headers.get("Origin")
    if origin not in allowed:
        return
    response.headers["Access-Control-Allow-Origin"] = origin
    response.headers["Access-Control-Allow-Credentials"] = "true"
    response.headers["Access-Control-Expose-Headers"] = MAY_READ
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Headers"] = MAY_SEND
        response.headers["Access-Control-Allow-Methods"] = "GET, HEAD, POST, PUT, PATCH, DELETE"
        response.headers["Access-Control-Max-Age"] = str(PREFLIGHT_HOLDS_S)
