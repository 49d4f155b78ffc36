"""What a file is that no reader of images takes, by how it begins."""

from __future__ import annotations

from collections.abc import Sequence

# Kinds that are read: such a file is cut or damaged, or of a rare kind.
IMAGES = {
    b"\xff\xd8": "JPEG", b"\x89PNG": "PNG", b"GIF8": "GIF", b"BM": "BMP", b"II*\0": "TIFF", b"MM\0*": "TIFF",
}  # fmt: skip
HTML = "a page of HTML or XML"
OTHERS = {
    b"version https://git-lfs": "a pointer of Git LFS: git lfs pull fetches the photo itself",
    b"%PDF": "a PDF document",
    b"PK\x03\x04": "a zip archive or document",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a rar archive",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\0\x0cjP": "JPEG 2000",
    b"\0\0\0\x0cJXL": "JPEG XL",
    b"\xff\x0a": "JPEG XL",
    b"8BPS": "a document of Photoshop",
    b"\x1aE\xdf\xa3": "a video",
}
BOXES = {b"avif": "AVIF", b"avis": "AVIF", b"heic": "HEIF", b"heix": "HEIF", b"mif1": "HEIF", b"msf1": "HEIF"}
_DAMAGED = "damaged: it begins as "
WORDS = (HTML, "empty: ", *OTHERS.values(), "a video")


def in_words(content: bytes, formats: Sequence[str]) -> str:
    """What the bytes of a file are, in a few words, and what is read.

    Args:
        content: The file, of which no reader made an image.
        formats: What is read.
    """
    reads = f"no {', '.join(formats[:-1])} or {formats[-1]}"
    for begin, kind in IMAGES.items():
        if content.startswith(begin):
            return f"{_DAMAGED}{kind}, and cannot be read as that"
    if content[4:8] == b"ftyp":
        kind = BOXES.get(content[8:12], "")
        return f"{_DAMAGED}{kind}, and cannot be read as that" if kind else f"a video, {reads}"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return f"{_DAMAGED}WebP, and cannot be read as that"
    if not content.strip(b"\0"):
        return "empty: nothing but zeros"
    if content.lstrip()[:1] == b"<":
        return f"{HTML}, {reads}"
    kind = next((words for begin, words in OTHERS.items() if content.startswith(begin)), "not an image")
    return f"{kind}, {reads}" if kind != OTHERS[b"version https://git-lfs"] else kind
