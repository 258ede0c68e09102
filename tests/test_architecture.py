"""What must stay true of the code as a whole: who imports whom, what is written from what, and what never enters the repository."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CODE = ("src", "tasks", "flows", "deployments")

SECRETS = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "an AWS secret key": r"(?i)aws_secret_access_key\W+[0-9a-z/+]{40}\b",
    "an ngrok token": r"\b[12][0-9a-zA-Z]{26}_[0-9a-zA-Z]{20,22}\b",
    "a GitHub token": r"\bgh[pousr]_[0-9A-Za-z]{36}\b",
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "one of our API keys": r"\bslw_[0-9A-Za-z_-]{32,}",
    "a password": (
        r"(?i)\b(?:\w*_)?(?:password|passwd|secret|token|api_?key)\s*[=:]\s*"
        r"""["']?(?P<value>[\w+/.!@#$%^&*-]{8,})["']?\s*(?:#.*)?$"""
    ),
    "a password in an address": r"://[^\s/@:{}]*:(?P<value>[^\s/@{}*]+)@",
}
INVENTED = {
    # for tests, valid nowhere: the whole value, so that another one beside it is still found
    "correct-horse-battery-staple",
    "a-key-that-must-not-show",
    "a-password-that-must-not-show",
    "a-key-that-was-set-by-the-user",
    "environment",
    "kept-elsewhere",
}
MIRRORED = {"Explanation", "Prediction", "Violation"}  # what the gateway sends: the client has its own, because it must stand alone
NOTARIAL = [  # words that have to be read twice, and plain ones
    (r"(?<!\.)(?:tell|tells|told|telling)", "report, show, notify, return, distinguish"),  # not the methods of files and of Optuna
    (r"what became of", "what happened to, the actual outcome of"),
    (r"whoever|whomever|who asks|of whom", "the caller, the operator, the person who"),
    (r"cannot be had|to be had", "is not available"),
    (r"as ever|for ever", "as before, until stopped"),
    (r"(?:needs?|knows?|fools?|wants?) (?:it|them) not", "does not need it"),
    (r"something else than", "another"),
    (r"not worth to be", "not worth restoring"),
    (r"in a rollback neither", "not even in a rollback"),
]
WORDLESS = {"requirements.lock", "LICENSE", "tests/test_architecture.py"}  # nobody's words, or these
FOREIGN = re.compile(r"(?<![\w.~-])/(?:home|root|work|Users)/")


@cache
def tracked() -> dict[str, str]:
    """Return every text that Git holds or is about to hold, by name."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a Git checkout: it asks Git which files belong to the project")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    texts = {}
    for name in filter(None, names):
        path = ROOT / name
        if path.is_file() and b"\0" not in (content := path.read_bytes()):
            texts[name] = content.decode()
    return texts


def secrets_in(text: str) -> list[str]:
    found = []
    for what, pattern in SECRETS.items():
        for match in re.finditer(pattern, text, flags=re.MULTILINE):
            if match.groupdict().get("value") not in INVENTED:
                found.append(f"{what} in line {text.count(chr(10), 0, match.start()) + 1}")
    return found


def modules(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)


def test_layers_import_in_one_direction_and_the_library_knows_no_orchestrator() -> None:
    checked = run("-c", "from importlinter.cli import lint_imports_command as check; check()")

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "0 broken" in checked.stdout


def test_no_file_is_in_a_loop_no_arrow_runs_up_and_no_folder_is_a_drawer() -> None:
    counted = run("docs/architecture.py")

    assert counted.returncode == 0, counted.stdout + counted.stderr
    assert "0 up, 0 files in a loop" in counted.stdout


def test_the_drawing_shows_every_room_and_the_imports_of_today() -> None:
    checked = run("docs/architecture.py")
    drawn = (ROOT / "docs" / "architecture.svg").read_text()
    rooms = {path.name for path in (ROOT / "src" / "slipway").iterdir() if (path / "__init__.py").exists()}

    assert "docs/architecture.svg" not in checked.stdout, checked.stdout
    assert rooms - set(re.findall(r">(\w+)</text>", drawn)) == set()


def test_the_map_names_every_room() -> None:
    rooms = {path.name for path in (ROOT / "src" / "slipway").iterdir() if (path / "__init__.py").exists()}
    assert rooms

    described = set(re.findall(r"^\| `(\w+)`", (ROOT / "docs" / "architecture.md").read_text(), flags=re.MULTILINE))

    assert rooms - described == set()


def test_every_file_that_the_map_names_is_there() -> None:
    lines = (ROOT / "docs" / "architecture.md").read_text().splitlines()
    rooms = {row[1]: re.findall(r"`([\w/]+\.py)`", line) for line in lines if (row := re.match(r"\| `(\w+)` \|", line))}
    beyond = [name for line in lines if not line.startswith("| `") for name in re.findall(r"`([\w/]+(?:\.py|/))`", line)]
    inside = [f"{room}/{name}" for room, names in rooms.items() for name in names if (ROOT / "src" / "slipway" / room).is_dir()]
    assert len(inside) > 20
    assert len(beyond) > 30

    places = (ROOT / "src" / "slipway", ROOT, ROOT / "deployments")

    assert [name for name in (*inside, *beyond) if not any((place / name).exists() for place in places)] == []


def test_every_name_that_the_docs_look_up_in_a_file_is_there() -> None:
    places = (ROOT, ROOT / "src" / "slipway", ROOT / "deployments", ROOT / "src" / "slipway" / "gateway")
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]
    looked_up = [found for page in pages for found in re.findall(r"((?:`\w+`(?:, | and ))*`\w+`) in\s+`([\w/]+\.py)`", page.read_text())]
    assert len(looked_up) > 5

    for names, file in looked_up:
        texts = [(place / file).read_text() for place in places if (place / file).exists()]
        assert texts, file
        assert [name for name in re.findall(r"\w+", names.replace(" and ", " ")) if not re.search(rf"\b{name}\b", texts[0])] == [], file


def test_every_file_that_a_decision_names_is_there() -> None:
    places = (ROOT, ROOT / "src", ROOT / "src" / "slipway", ROOT / "deployments")
    named = {
        (page.name, file)
        for page in (ROOT / "docs" / "decisions").glob("*.md")
        for file in re.findall(r"`([\w.]+(?:/[\w.]+)+\.(?:py|md|yaml|toml))`", page.read_text())
    }
    assert len(named) > 20

    assert sorted((page, file) for page, file in named if not any((place / file).exists() for place in places)) == []


def test_every_file_and_target_that_contributing_names_is_there() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`(?:\.venv/bin/pytest )?([\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|md|yaml|toml)))[` ]", text))
    linked = set(re.findall(r"\]\(([\w./-]+)", text))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert len(named) > 30

    assert [name for name in sorted(named | linked) if not (ROOT / name).exists()] == []
    assert set(re.findall(r"`make ([a-z]+)", text)) <= targets


def test_no_decision_is_longer_than_a_page() -> None:
    pages = {path.name: len(path.read_text().splitlines()) for path in (ROOT / "docs" / "decisions").glob("*.md")}
    assert len(pages) > 30

    assert not {name: lines for name, lines in pages.items() if lines > 40}


def test_the_manifest_is_what_the_catalogue_says() -> None:
    checked = run("-m", "deployments.server.manifest", "--check")

    assert checked.returncode == 0, checked.stderr


def test_the_lock_file_names_no_package_index() -> None:
    locked = (ROOT / "requirements.lock").read_text()

    assert "--hash=sha256:" in locked
    assert "://" not in locked


def test_every_package_is_installed_by_its_checksum() -> None:
    packages = re.split(r"\n(?=[a-z])", (ROOT / "requirements.lock").read_text())
    locked = [package for package in packages if re.match(r"[a-z][\w.\[\],-]*==", package)]
    installing = [line for line in (ROOT / "Makefile").read_text().splitlines() if re.search(r"\bpip (?:sync|install)\b", line)]

    assert len(locked) > 100
    assert [package.partition(" ")[0] for package in locked if "--hash=sha256:" not in package] == []
    (synced,) = [line for line in installing if "requirements.lock" in line]
    assert "--require-hashes" in synced
    others = [line for line in installing if line != synced]
    assert all("uv==$(UV)" in line or "--no-deps --editable ." in line for line in others)


def test_results_of_flows_are_stored_as_json() -> None:
    """Prefect's own default is a pickle; the results of tasks go by the default of the environment."""
    decorators = [
        ast.unparse(one)
        for path in modules("flows")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for one in function.decorator_list
        if ast.unparse(one).startswith("flow(")
    ]
    assert len(decorators) >= 7

    assert [flow for flow in decorators if "result_serializer='json'" not in flow] == []
    for where in ("deployments/terminal/session.py", "deployments/local/services.py"):
        assert '"PREFECT_RESULTS_DEFAULT_SERIALIZER": "json"' in (ROOT / where).read_text()


def test_no_code_loads_or_writes_a_pickle() -> None:
    """What the libraries store is looked at in flows/test_release and flows/test_artifact_store.

    One program reads a pickle that a person has trusted, kept apart; see unit/drafting/test_pickles.
    """
    pickling = {"pickle", "cloudpickle", "dill", "shelve", "marshal", "joblib.load", "joblib.dump", "joblib"}
    found = []
    apart = ROOT / "src/slipway/drafting/unpickler.py"
    assert [
        str(path) for path in modules(*CODE) if "import unpickler" in path.read_text() or "drafting.unpickler i" in path.read_text()
    ] == []
    for path in (path for path in modules(*CODE) if path != apart):
        for node in ast.walk(ast.parse(path.read_text())):
            names = {one.name for one in node.names} if isinstance(node, ast.Import) else set()
            if isinstance(node, ast.ImportFrom):
                names = {f"{node.module}.{one.name}" for one in node.names} | {node.module or ""} - {"joblib"}
            allowed = isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False"
            if allowed or names & pickling:
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")

    assert found == []


def test_no_secret_is_in_the_repository() -> None:
    found = {name: secrets for name, text in tracked().items() if name != "requirements.lock" and (secrets := secrets_in(text))}

    assert not found


@pytest.mark.parametrize(
    "text",
    [
        "AKIA" + "IOSFODNN7" + "EXAMPLE",
        "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY",
        "2" + "a" * 26 + "_" + "b" * 21,
        "ghp_" + "a" * 36,
        "-----BEGIN " + "RSA PRIVATE KEY-----",
        "slw_" + "a" * 32,
        "password" + " = 'hunter2-hunter2'",
        "SLIPWAY_API_KEY" + "=hunter2-hunter2",
        "db_password" + ": hunter2-hunter2  # for now",
        "postgresql://slipway" + ":hunter2@db/slipway",
    ],
)
def test_a_secret_would_be_found(text: str) -> None:
    assert secrets_in(f"first line\n{text}\n") != []


def test_no_file_holds_a_path_of_somebodys_machine() -> None:
    found = {
        f"{name}:{number}" for name, text in tracked().items() for number, line in enumerate(text.splitlines(), 1) if FOREIGN.search(line)
    }

    assert not found


@pytest.mark.parametrize(("words", "plain"), NOTARIAL, ids=[plain for _, plain in NOTARIAL])
def test_what_people_read_is_plain_english(words: str, plain: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in tracked().items()
        if name not in WORDLESS
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(rf"(?i)\b(?:{words})\b", line)
    ]

    assert not found, f"write instead: {plain}"


def test_no_step_or_flow_is_named_after_a_dependency() -> None:
    ours = {"slipway", "flows", "tasks", "deployments"}
    installed = set(importlib.metadata.packages_distributions()) | set(sys.stdlib_module_names)
    assert {"prefect", "optuna", "mlflow"} <= installed

    named = {path.stem for path in modules("flows", "tasks")} - {"__init__"}

    assert named
    assert not named & (installed - ours)


def test_no_two_classes_have_the_same_name() -> None:
    places: dict[str, list[str]] = {}
    for path in modules(*CODE):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert len(places) > 300

    for name in MIRRORED:
        places[name].remove("src/slipway/client/answers.py")

    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_module_is_named_after_nothing() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc"}

    assert not [str(path.relative_to(ROOT)) for path in modules(*CODE, "tests") if vague & {path.stem, path.parent.name}]


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules(*CODE)}
    assert lengths

    assert not {name: length for name, length in lengths.items() if length > 300}


def test_a_flow_is_a_paragraph() -> None:
    """Every statement of a flow counts, also those inside of others; its docstring does not. The longest, `promote`, has 17."""
    lengths = {
        function.name: sum(isinstance(node, ast.stmt) for part in function.body for node in ast.walk(part))
        - bool(ast.get_docstring(function))
        for path in modules("flows")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef) and any(ast.unparse(one).startswith("flow(") for one in function.decorator_list)
    }
    assert {"release", "promote", "watch", "rollback", "approve"} <= lengths.keys()

    assert {name: length for name, length in lengths.items() if length > 17} == {}


def test_test_folders_are_no_packages_so_that_they_share_through_fixtures_only() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))
