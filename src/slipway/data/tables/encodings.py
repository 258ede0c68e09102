"""In which encoding a text file is, found from its bytes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from pathlib import Path

from slipway.data.tables.csv_files import opened

BLOCK = 1 << 20
ENOUGH = 1 << 16  # bytes of lines with other characters than ASCII's, for a guess
WESTERN = set("áàâäãåæçéèêëíìîïñóòôöõøœßúùûüýÿ" + "ÁÀÂÄÃÅÆÇÉÈÊËÍÌÎÏÑÓÒÔÖÕØŒÚÙÛÜÝŸ" + "€£°ºª¿¡«»“”‘’–—…·½¼¾²³µ§©®±×\u00a0")
OTHERS = [
    "cp1250",
    "cp1251",
    "cp1253",
    "cp1254",
    "cp1255",
    "cp1256",
    "mac_roman",
    "cp850",
    "koi8_r",
    "shift_jis",
    "gb18030",
    "big5",
    "euc_kr",
]


def encoding(path: Path) -> str:
    """Return the encoding of a text file.

    UTF-8 and UTF-16 are certain. In other encodings each byte means something, so it is the likeliest: cp1252, which includes what
    Latin-1 has, if nearly all characters beyond ASCII are those of Western languages.
    """
    with opened(path) as file:
        begin = file.read(4096)
    if begin.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if (zeros := begin.count(0)) > len(begin) // 4:
        return "utf-16-le" if begin[1::2].count(0) > zeros // 2 else "utf-16-be"
    return "utf-8" if is_utf8(path) else _one_byte(path)


def is_utf8(path: Path) -> bool:
    """Return whether every byte of a file can be UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def is_ascii(path: Path) -> bool:
    """Return whether a file has no other characters than ASCII's, which nearly all encodings share."""
    return all(block.isascii() for block in _blocks(path))


def _blocks(path: Path) -> Iterator[bytes]:
    with opened(path) as file:
        while block := file.read(BLOCK):
            yield block


def _one_byte(path: Path) -> str:
    content = _lines_beyond_ascii(path)
    if _is_western(content.decode("cp1252", errors="replace")):
        return "cp1252"
    from charset_normalizer import from_bytes

    found = from_bytes(content, cp_isolation=["cp1252", *OTHERS]).best()
    return found.encoding if found else "cp1252"


def _is_western(text: str) -> bool:
    """Return whether a text looks like a Western language: its words have a few accents, while all letters of Cyrillic are beyond ASCII."""
    beyond = [character for character in text if not character.isascii()]
    words = [word for word in re.findall(r"[^\W\d_]{3,}", text) if not word.isascii()]
    accents = sum(not character.isascii() for word in words for character in word)
    return sum(character in WESTERN for character in beyond) >= 0.9 * len(beyond) and 2 * accents <= len("".join(words))


def _lines_beyond_ascii(path: Path) -> bytes:
    found, size = [], 0
    with opened(path) as file:
        for line in file:
            if not line.isascii():
                found.append(line)
                size += len(line)
                if size > ENOUGH:
                    break
    return b"".join(found)
