"""QR codes, drawn on the server."""

from __future__ import annotations


def qr_code(text: str) -> str:
    """Return a QR code as an SVG element, black on white in every colour scheme, because cameras expect that."""
    import segno

    drawn = segno.make(text, error="m", micro=False)
    return drawn.svg_inline(border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None)
