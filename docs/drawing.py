"""Draw boxes on floors with arrows from the higher to the lower ones, as SVG; the same graph always gives the same text.

The boxes of a floor are ordered so that few arrows cross, after Sugiyama, Tagawa and Toda, *Methods for visual understanding of
hierarchical system structures*, IEEE Trans. SMC 11 (1981): an arrow that passes a floor takes a place on it, as a thin box would.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

Arrow = tuple[str, str]
Place = tuple[str, ...]  # a box: its name; an arrow on its way: both of its ends and the floor

ROUNDS = 24
STRAIGHT = 8  # how much more an arrow keeps to its own column than a box keeps to the middle of its arrows
BOX, HEIGHT, STEP, GAP, LANE, MARGIN = 118, 34, 66, 18, 12, 24
STYLE = """
    text { font: 600 14px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: #1f2937; text-anchor: middle; }
    .room { fill: #dbeafe; stroke: #2563eb; stroke-width: 1.3; }
    .layer { fill: #d1fae5; stroke: #059669; stroke-width: 1.3; }
    .arrow { fill: none; stroke: #64748b; stroke-width: 1.4; marker-end: url(#head); }
"""


@dataclass(frozen=True, slots=True)
class Graph:
    """The places of each floor, from the top down, and which places of the next floor each leads to."""

    floors: list[list[Place]]
    below: dict[Place, list[Place]]
    above: dict[Place, list[Place]]


def without_detours(arrows: Iterable[Arrow]) -> list[Arrow]:
    """Return the arrows whose end is reached in no other way: the others say nothing about the order of the boxes."""
    direct: dict[str, set[str]] = {}
    for start, end in arrows:
        direct.setdefault(start, set()).add(end)

    def reached(start: str) -> set[str]:
        return {place for end in direct.get(start, ()) for place in (end, *reached(end))}

    return sorted((start, end) for start, ends in direct.items() for end in ends if not any(end in reached(other) for other in ends))


def draw(floor_of: Mapping[str, int], arrows: Iterable[Arrow], labels: Mapping[str, str], layers: Iterable[str], title: str) -> str:
    """Return the drawing.

    Args:
        floor_of: How high each box is.
        arrows: From a box to a lower one.
        labels: What is written in each box.
        layers: Boxes of the other colour.
    """
    graph = graph_of(floor_of, sorted(arrows))
    untangle(graph)
    middle = columns(graph)
    left = min(middle[place] - breadth(place) / 2 for place in middle) - MARGIN
    at = {place: (round(middle[place] - left), MARGIN + depth * STEP) for depth, floor in enumerate(graph.floors) for place in floor}
    width = round(max(x + breadth(place) / 2 for place, (x, _) in at.items())) + MARGIN
    height = MARGIN * 2 + HEIGHT + STEP * (len(graph.floors) - 1)
    lines = [path([at[place] for place in stations(graph, start, end)]) for start, end in sorted(arrows)]
    boxes = [box(*at[(name,)], labels[name], "layer" if name in set(layers) else "room") for name in sorted(floor_of)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">',
            f"  <title>{escape(title)}</title>",
            f"  <style>{STYLE}  </style>",
            '  <defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">'
            '<path d="M0 0 L10 5 L0 10 z" fill="#64748b"/></marker></defs>',
            f'  <rect x="1" y="1" width="{width - 2}" height="{height - 2}" rx="14" fill="#ffffff" stroke="#cbd5e1"/>',
            *lines,
            *boxes,
            "</svg>\n",
        ]
    )


def graph_of(floor_of: Mapping[str, int], arrows: Sequence[Arrow]) -> Graph:
    depth = {floor: index for index, floor in enumerate(sorted(set(floor_of.values()), reverse=True))}
    floors: list[list[Place]] = [[] for _ in depth]
    for name in sorted(floor_of):
        floors[depth[floor_of[name]]].append((name,))
    below: dict[Place, list[Place]] = {}
    above: dict[Place, list[Place]] = {}
    for start, end in arrows:
        way: list[Place] = [(start,)]
        for index in range(depth[floor_of[start]] + 1, depth[floor_of[end]]):
            way.append((start, end, str(index)))
            floors[index].append(way[-1])
        way.append((end,))
        for upper, lower in pairwise(way):
            below.setdefault(upper, []).append(lower)
            above.setdefault(lower, []).append(upper)
    return Graph(floors, below, above)


def untangle(graph: Graph) -> None:
    """Order the places of each floor by the mean of their neighbours, down and up in turn; keep the order with the fewest crossings."""
    best, fewest = [list(floor) for floor in graph.floors], crossings(graph)
    for turn in range(ROUNDS):
        down = turn % 2 == 0
        inner = range(1, len(graph.floors)) if down else range(len(graph.floors) - 2, -1, -1)
        neighbours = graph.above if down else graph.below
        for index in inner:
            rank = {place: number for number, place in enumerate(graph.floors[index - 1 if down else index + 1])}
            own = {place: number for number, place in enumerate(graph.floors[index])}
            means = {place: mean([rank[other] for other in neighbours.get(place, ())], own[place]) for place in own}
            graph.floors[index].sort(key=lambda place: (means[place], own[place]))
        if (found := crossings(graph)) < fewest:
            best, fewest = [list(floor) for floor in graph.floors], found
    graph.floors[:] = best


def crossings(graph: Graph) -> int:
    count = 0
    for upper, lower in zip(graph.floors, graph.floors[1:], strict=False):
        rank = {place: number for number, place in enumerate(lower)}
        seen: list[int] = []
        for place in upper:
            ends = sorted(rank[end] for end in graph.below.get(place, ()))
            count += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def columns(graph: Graph) -> dict[Place, float]:
    """Return the middle of each place: near the mean of its neighbours, in the order of its floor, and no two on top of each other."""
    middle = {place: float(number * BOX) for floor in graph.floors for number, place in enumerate(floor)}
    for turn in range(ROUNDS * 10):
        for floor in graph.floors if turn % 2 == 0 else reversed(graph.floors):
            wanted = [mean([middle[other] for other in neighbours(graph, place)], middle[place]) for place in floor]
            offsets = [0.0]
            for one, other in pairwise(floor):
                offsets.append(offsets[-1] + (breadth(one) + breadth(other)) / 2 + GAP)
            spread = ascending([want - offset for want, offset in zip(wanted, offsets, strict=True)])
            middle.update({place: start + offset for place, start, offset in zip(floor, spread, offsets, strict=True)})
    return middle


def neighbours(graph: Graph, place: Place) -> list[Place]:
    """Return what a place is drawn to, as often as it counts."""
    found = [*graph.above.get(place, ()), *graph.below.get(place, ())]
    return [other for other in found for _ in range(STRAIGHT if len(place) == len(other) == 3 else 1)]


def ascending(wanted: Sequence[float]) -> list[float]:
    """Return the ascending numbers that are nearest to the wanted ones, by least squares: pool adjacent violators."""
    pools: list[tuple[float, int]] = []
    for want in wanted:
        total, count = want, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            before = pools.pop()
            total, count = total + before[0], count + before[1]
        pools.append((total, count))
    return [total / count for total, count in pools for _ in range(count)]


def stations(graph: Graph, start: str, end: str) -> list[Place]:
    """Return the places of an arrow, from its start to its end."""
    between = [place for floor in graph.floors for place in floor if place[:2] == (start, end)]
    return [(start,), *between, (end,)]


def path(points: Sequence[tuple[int, int]]) -> str:
    """Return a smooth line from the bottom of the first box to the top of the last."""
    stops = [(points[0][0], points[0][1] + HEIGHT)]
    for x, y in points[1:-1]:
        stops += [(x, y), (x, y + HEIGHT)]
    stops.append(points[-1])
    curve = [f"M{stops[0][0]} {stops[0][1]}"]
    for number, ((x, y), (next_x, next_y)) in enumerate(pairwise(stops)):
        half = (y + next_y) // 2
        curve.append(f"L{next_x} {next_y}" if number % 2 or x == next_x else f"C{x} {half} {next_x} {half} {next_x} {next_y}")
    return f'  <path class="arrow" d="{" ".join(curve)}"/>'


def box(x: int, y: int, label: str, kind: str) -> str:
    return (
        f'  <rect class="{kind}" x="{x - BOX // 2}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="8"/>'
        f'<text x="{x}" y="{y + HEIGHT // 2 + 5}">{escape(label)}</text>'
    )


def breadth(place: Place) -> int:
    return BOX if len(place) == 1 else LANE


def mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise
