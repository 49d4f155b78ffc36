"""A file out of a form, as a browser and curl send it."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP


def content_of(kind: str, body: bytes) -> bytes:
    """The first file of a form (multipart/form-data), or its first field where it has no file; any other body as it is.

    Args:
        kind: The media type with its boundary, as the header Content-Type says it.
        body: What was sent.

    Raises:
        ValueError: When it is called a form and is none.
    """
    if not kind.lower().startswith("multipart/form-data"):
        return body
    form = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + body)
    parts = list(form.iter_parts()) if form.is_multipart() else []
    if not parts:
        raise ValueError("a form without a part")
    chosen = next((part for part in parts if part.get_filename() is not None), parts[0])
    content = chosen.get_payload(decode=True)
    if not isinstance(content, bytes):
        raise ValueError("a form within a form")
    return content
