"""From raw columns to the matrix that a model was fitted on: the arithmetic of a fitted ColumnTransformer, as data and in numpy.

Each step computes the same as scikit-learn, in float64 and in the same order, so that the matrix is the same bit by bit: any rounding may
put a cell on the other side of a split threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from slipway.bundle.contract import decode_bytes
from slipway.bundle.engines.files import PREPARATION
from slipway.bundle.engines.steps import (
    Above,
    Average,
    Clip,
    Cycle,
    Diff,
    Impute,
    Less,
    Missing,
    NumberAt,
    OneHot,
    Product,
    Rank,
    Reciprocal,
    Scale,
    Since1970,
    Step,
    Times,
    Unit,
)
from slipway.bundle.reading import Bundle

Matrix = npt.NDArray[np.float64]
Transform = Callable[[Matrix], Matrix]

CELLS = 1 << 20  # of a matrix at once: 8 MB


class Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Raw columns and the steps applied to them in turn; without steps they stay as they are."""

    columns: tuple[str, ...]
    steps: tuple[Step, ...] = ()

    @property
    def width(self) -> int:
        """The number of columns that the block adds to the matrix."""
        if self.steps and isinstance(self.steps[0], OneHot):
            return sum(map(len, self.steps[0].values))
        if any(isinstance(step, Average | Product) for step in self.steps):
            return 1
        return len(self.columns) - sum(isinstance(step, Diff) for step in self.steps)


class FittedPreparation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole preparation: the blocks' columns side by side."""

    blocks: tuple[Block, ...]


class Preparer:
    """A preparation that is ready to run."""

    def __init__(self, preparation: FittedPreparation) -> None:
        ends = np.cumsum([block.width for block in preparation.blocks]).tolist()
        self.width: int = ends[-1]
        self._parts = [(_part(block), end - block.width, end) for block, end in zip(preparation.blocks, ends, strict=True)]

    @classmethod
    def of(cls, bundle: Bundle) -> Preparer:
        """Return the preparation of a bundle.

        Raises:
            BundleError: The bundle has none, or this version of Slipway cannot read it.
        """
        return cls(decode_bytes(bundle.file(PREPARATION), FittedPreparation, bundle.folder / PREPARATION))

    def matrix(self, columns: Mapping[str, Sequence[Any]]) -> Matrix:
        """Return the (n, width) matrix of n rows given by column.

        Raises:
            KeyError: A column is missing, or a category is not one that was declared.
        """
        rows = len(next(iter(columns.values())))
        matrix = np.empty((rows, self.width))
        for part, start, end in self._parts:
            matrix[:, start:end] = part(columns)
        return matrix

    def matrices(self, columns: Mapping[str, Sequence[Any]]) -> Iterator[Matrix]:
        """Yield the matrix of n rows in parts of at most `CELLS` cells, so that memory is bounded; see `matrix`."""
        rows, most = len(next(iter(columns.values()))), max(1, CELLS // self.width)
        if rows <= most:
            yield self.matrix(columns)
            return
        for start in range(0, rows, most):
            yield self.matrix({name: cells[start : start + most] for name, cells in columns.items()})


def _part(block: Block) -> Callable[[Mapping[str, Sequence[Any]]], Matrix]:
    names = block.columns
    if block.steps and isinstance(block.steps[0], OneHot):
        encode = _encoder(block.steps[0])
        return lambda columns: encode([columns[name] for name in names])
    match block.steps:
        case [Since1970(unit=unit), *later]:
            read = _since_1970(unit)
        case [Rank() as rank, *later]:
            read = _ranks(rank)
        case later:
            read = _floats
    transforms = [_transform(step) for step in later]

    def part(columns: Mapping[str, Sequence[Any]]) -> Matrix:
        numbers = read([columns[name] for name in names])
        for transform in transforms:
            numbers = transform(numbers)
        return numbers

    return part


def _floats(columns: list[Sequence[Any]]) -> Matrix:
    return np.array(columns, dtype=np.float64).T


def _since_1970(unit: Unit) -> Callable[[list[Sequence[Any]]], Matrix]:
    """Return a function that reads dates; numpy knows None, and a text that is none was refused before."""

    def read(columns: list[Sequence[Any]]) -> Matrix:
        times = np.array(columns, dtype=f"datetime64[{unit}]").T
        return np.where(np.isnat(times), np.nan, times.astype(np.float64))

    return read


def _ranks(step: Rank) -> Callable[[list[Sequence[Any]]], Matrix]:
    places = [{value: float(place) for place, value in enumerate(values)} for values in step.values]

    def read(columns: list[Sequence[Any]]) -> Matrix:
        if step.others:
            ranks = [[place.get(cell, np.nan) for cell in cells] for place, cells in zip(places, columns, strict=True)]
        else:
            ranks = [[place[cell] for cell in cells] for place, cells in zip(places, columns, strict=True)]
        return np.array(ranks, dtype=np.float64).T

    return read


def _transform(step: Step) -> Transform:
    match step:
        case Scale():
            mean, scale = np.array(step.mean), np.array(step.scale)
            return lambda numbers: (numbers - mean) / scale
        case Impute():
            missing, values = step.missing, np.array(step.values)
            if missing is None:
                return lambda numbers: np.where(np.isnan(numbers), values, numbers)
            return lambda numbers: np.where(numbers == missing, values, numbers)
        case Above():
            threshold = step.threshold
            return lambda numbers: (numbers > threshold).astype(np.float64)
        case Missing():
            return lambda numbers: np.isnan(numbers).astype(np.float64)
        case Diff():
            return lambda numbers: np.diff(numbers, axis=1)
        case Average():
            weights = list(step.weights)
            return lambda numbers: np.average(numbers, axis=1, weights=weights, keepdims=True)
        case Cycle():
            cycle, period = list(step.values), len(step.values)
            return lambda numbers: np.interp(numbers, range(period), cycle, period=period)
        case Less():
            number = step.number
            return lambda numbers: np.diff(numbers, axis=1, prepend=number)
        case Times():
            factor = [[step.factor]]
            return lambda numbers: np.dot(numbers, factor)
        case NumberAt():
            numbers_at = list(step.numbers)
            return lambda numbers: np.interp(numbers, range(len(numbers_at)), numbers_at)
        case Reciprocal():
            return _with_reciprocal
        case Product():
            return _product
        case Clip():
            low, high = step.low, step.high
            return lambda numbers: np.clip(numbers, low, high)
        case Since1970() | Rank():
            raise TypeError("dates and ordered categories are texts, so they must be read first; here that follows another step.")
        case OneHot():
            raise TypeError("one-hot takes what the caller sends, so it must be the only step; here it follows another step.")


def _with_reciprocal(numbers: Matrix) -> Matrix:
    first, last = numbers[:, 0], np.where(numbers[:, -1] == 0, np.nan, numbers[:, -1])
    with np.errstate(over="ignore"):  # of a number that is almost 0
        return np.column_stack([first, np.reciprocal(last)])


def _product(numbers: Matrix) -> Matrix:
    with np.errstate(over="ignore", invalid="ignore"):  # `Clip` follows
        product: Matrix = np.prod(numbers, axis=1, keepdims=True)
    return product


def _encoder(step: OneHot) -> Callable[[list[Sequence[Any]]], Matrix]:
    """Return a function that looks up the place of each value among the block's columns: quicker than comparing arrays of texts."""
    starts = np.cumsum([0, *map(len, step.values)]).tolist()
    places = [{value: start + index for index, value in enumerate(values)} for values, start in zip(step.values, starts, strict=False)]

    def encode(columns: list[Sequence[Any]]) -> Matrix:
        encoded = np.zeros((len(columns[0]), starts[-1]))
        every = np.arange(len(encoded))
        for column, place in zip(columns, places, strict=True):
            encoded[every, [place[value] for value in column]] = 1.0
        return encoded

    def encode_known(columns: list[Sequence[Any]]) -> Matrix:
        encoded = np.zeros((len(columns[0]), starts[-1]))
        for column, place in zip(columns, places, strict=True):
            known = [(row, at) for row, value in enumerate(column) if (at := place.get(value)) is not None]
            if known:
                rows, found = zip(*known, strict=True)
                encoded[list(rows), list(found)] = 1.0
        return encoded

    return encode_known if step.others else encode
