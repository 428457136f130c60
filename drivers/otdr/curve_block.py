"""The points of a JDSU or VIAVI trace: four hexadecimal digits each, a signed number of 16 bits.

A capture of a real trace agrees with this (HellWorld, public code); the analyser module of the same platform
has its points likewise.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGITS_PER_POINT = 4


def parse_points(block: bytes) -> NDArray[np.int16]:
    """Return the points of a block's bytes, shape (points,); ValueError if they are none."""
    if not block or len(block) % _DIGITS_PER_POINT:
        raise ValueError(f"{len(block)} characters are no points of {_DIGITS_PER_POINT} each")
    try:
        raw = binascii.unhexlify(block)
    except binascii.Error as error:
        raise ValueError(f"the points are not hexadecimal: {error}") from None
    return np.frombuffer(raw, dtype=">i2").astype(np.int16)
