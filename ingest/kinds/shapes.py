"""Texts by their shape: every digit as 0. A column of numbers has few shapes, so a shape is judged once for all."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

WIDTH = 24  # bytes of a text whose shape is looked at
# By length: which of WIDTH places belong to a text that ends with the last one.
_TAILS = np.where(np.tri(WIDTH + 1, WIDTH, -1, dtype=np.bool_)[:, ::-1], np.uint8(255), np.uint8(0))
_TAILS = np.ascontiguousarray(_TAILS).view(f"V{WIDTH}").ravel()


@dataclass(frozen=True)
class Shapes:
    """The texts of at most WIDTH bytes, which hold no NUL, each in a row of WIDTH places that ends with the text.

    short: which they are, (n,). digits: V24 (n,), what each place that holds a digit is worth. shapes: (n,),
    fixed-size binary, dictionary-encoded, NUL before the text.
    """

    short: np.ndarray[Any, np.dtype[np.int64]]
    digits: np.ndarray[Any, Any]
    shapes: pa.DictionaryArray


def shapes_of(texts: pa.StringArray, *, zeros: bool = False) -> Shapes:
    """The shapes of texts. zeros: every digit but 0 is 1, so that zeros are told from the others."""
    _validity, offsets, data = texts.buffers()
    edges = np.frombuffer(offsets, np.int32)[texts.offset : texts.offset + len(texts) + 1]
    lengths = np.diff(edges)
    short = np.flatnonzero(lengths <= WIDTH)
    padded = np.zeros(WIDTH + int(edges[-1] - edges[0]), np.uint8)
    if data is not None:
        padded[WIDTH:] = np.frombuffer(data, np.uint8)[edges[0] : edges[-1]]
    windows = np.ndarray(len(padded) - WIDTH + 1, f"V{WIDTH}", padded, strides=(1,))
    rows = windows[edges[1:][short] - edges[0]].view(np.uint64) & _TAILS[lengths[short]].view(np.uint64)
    signs = rows.view(np.uint8)
    digits = signs - np.uint8(ord("0"))  # wraps to more than 9 for other signs
    worth = digits * (digits <= 9)
    drawn = pa.py_buffer(signs - worth + (worth > 0) if zeros else signs - worth)
    fixed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(WIDTH), len(short), [None, drawn])
    return Shapes(short, digits.view(f"V{WIDTH}"), fixed.dictionary_encode())
