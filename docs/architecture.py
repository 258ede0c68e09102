"""Count the rooms of the code and the arrows between them, name loops and arrows that run up, and draw docs/architecture.svg.

    python docs/architecture.py          # also says whether the drawing is up to date
    python docs/architecture.py --draw   # draws it; `make architecture` does this

A room is a folder or a loose module of `slipway`, or one of `tasks`, `flows` and `deployments`. An arrow is an import from one room to
another, one that only a type checker reads included. The order of the rooms is that of the layers contract in pyproject.toml.
"""

from __future__ import annotations

import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import drawing
import grimp

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("slipway", "tasks", "flows", "deployments")
MOST_ENTRIES = 20
DRAWING = ROOT / "docs" / "architecture.svg"
LIST_OF_ROOMS = ROOT / "src" / "slipway"  # its folders are the rooms themselves, which the layers contract lists


def main() -> int:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    files = {file: graph.find_modules_directly_imported_by(file) for file in graph.modules}
    arrows = {(room(file), room(other)) for file, others in files.items() for other in others if room(file) != room(other)}
    floors = floor_of_room()
    up = sorted(arrow for arrow in arrows if floors[arrow[0]] <= floors[arrow[1]])
    large = [f"{folder.relative_to(ROOT)}: {count}" for folder, count in entries().items() if count > MOST_ENTRIES]
    loop = loop_of(files)
    rooms = {room(file) for file in files} - {"slipway"}
    print(f"{len(files)} files, {len(rooms)} rooms, {len(arrows)} arrows, {len(up)} up, {len(loop)} files in a loop")
    for line in [*(f"arrow up: {one} -> {other}" for one, other in up), *(f"in a loop: {file}" for file in loop)]:
        print(line)
    for line in large:
        print(f"more than {MOST_ENTRIES} entries: {line}")
    stale = not (up or loop) and drawn(arrows, {room: floors[room] for room in rooms}, write="--draw" in sys.argv)
    return 1 if up or loop or large or stale else 0


def drawn(arrows: set[tuple[str, str]], floors: dict[str, int], *, write: bool) -> bool:
    """Return whether the drawing is not that of these arrows; with `write`, draw it."""
    between = drawing.without_detours((start, end) for start, end in arrows if {start, end} <= floors.keys())
    labels = {room: room.removeprefix("slipway.") for room in floors}
    svg = drawing.draw(
        floors, between, labels, PACKAGES, "The rooms of Slipway. An arrow is an import; those that follow from others are left out."
    )
    if write:
        DRAWING.write_text(svg)
    if stale := not DRAWING.exists() or DRAWING.read_text() != svg:
        print("docs/architecture.svg does not show the imports of today; draw it again with `make architecture`")
    return stale


def room(file: str) -> str:
    """Return the room of a file: `slipway.audit.writer` is in `slipway.audit`, `tasks.gate` in `tasks`."""
    parts = file.split(".")
    return ".".join(parts[:2]) if parts[0] == "slipway" else parts[0]


def floor_of_room() -> dict[str, int]:
    """Return how high each room stands; rooms of one line of the contract stand side by side, and import nothing of each other."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == ["slipway"])
    floors = {f"slipway.{name.strip()}": floor for floor, layer in enumerate(reversed(layers), 1) for name in layer.split("|")}
    return {"slipway": 0} | floors | {name: len(layers) + floor for floor, name in enumerate(PACKAGES)}


def loop_of(files: dict[str, set[str]]) -> list[str]:
    """Return the files of one loop of imports; of none, nothing."""
    try:
        TopologicalSorter(files).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def entries() -> dict[Path, int]:
    """Return how many files and folders of code each folder holds."""
    folders = {file.parent for name in PACKAGES for file in (ROOT / "src" / name if name == "slipway" else ROOT / name).rglob("*.py")}
    counted = {}
    for folder in sorted(folders - {LIST_OF_ROOMS}):
        counted[folder] = sum(path.suffix == ".py" or path in folders for path in folder.iterdir())
    return counted


if __name__ == "__main__":
    sys.exit(main())
