"""Clients that are generated from a model's document answer, and a linter finds no error in any document.

The tools are not among the packages of the project: docs/testing.md says how to get them. A test whose tool is missing is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

CLIENTS = Path(__file__).parents[1] / "support" / "clients" / "generated"
# two rows and their model, one row, two labels of MLflow's protocol, one outcome that is recorded, one row that is refused
ASKED = ["0 0", "1 1", "toy 1 patient-1", "1", "0", "1", "1", "400"]
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")  # for a program that runs once
ARCHIVE = "OPENAPI_GENERATOR_JAR"


def program(name):
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed: see docs/testing.md")


generator = pytest.mark.skipif(ARCHIVE not in os.environ, reason=f"{ARCHIVE} does not name openapi-generator.jar: see docs/testing.md")


def run(*command):
    """Run a program to its end; return what it prints, with its warnings."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def document(answering, tmp_path):
    """The file of the document of `toy`, as the gateway returns it."""
    path = tmp_path / "openapi.json"
    path.write_bytes(httpx.get(f"{answering.url}/models/toy/openapi.json", headers=answering.bearer).raise_for_status().content)
    return path


@pytest.fixture
def ask(answering):
    """Run a client with the address of the model and a key; return the lines that it prints."""
    return lambda *command: run(*command, f"{answering.url}/models/toy", answering.key).splitlines()


def generate(document, kind, target, *options):
    files = "apis,models,supportingFiles,modelDocs=false,apiDocs=false,modelTests=false,apiTests=false"
    archive = os.environ[ARCHIVE]
    run("java", *QUICK, "-jar", archive, "generate", "-i", document, "-g", kind, "-o", target, "--global-property", files, *options)


@program("openapi-python-client")
def test_a_client_of_openapi_python_client_answers(document, ask, tmp_path):
    made = run("openapi-python-client", "generate", "--path", document, "--output-path", tmp_path / "client", "--meta", "none")

    # its one gap: it does not know CSV, which it says
    assert [line for line in made.splitlines() if line.startswith(("WARNING", "Unable", "Cannot", "Unsupported"))] == [
        "WARNING parsing POST /invocations within default.",
        "Unsupported content type text/csv",
    ]
    shutil.copy(CLIENTS / "ask.py", tmp_path)
    assert ask(sys.executable, tmp_path / "ask.py") == ASKED


@generator
@program("java")
@program("javac")
def test_a_java_client_of_openapi_generator_answers(document, ask, tmp_path):
    generate(document, "java", tmp_path / "client", "--library", "native", "--additional-properties=openApiNullable=false")
    classes = f"{os.environ[ARCHIVE]}{os.pathsep}{tmp_path / 'classes'}"  # the generator's archive has Jackson, which the client needs
    sources = [*(tmp_path / "client" / "src" / "main").rglob("*.java"), *CLIENTS.glob("*.java")]

    run("javac", *(f"-J{option}" for option in QUICK), "-cp", classes, "-d", tmp_path / "classes", *sources)
    assert ask("java", *QUICK, "-cp", classes, "Ask") == ASKED


@generator
@program("java")
@program("tsc")
@program("node")
def test_a_typescript_client_of_openapi_generator_answers(document, ask, tmp_path):
    generate(document, "typescript-fetch", tmp_path / "client")
    shutil.copy(CLIENTS / "ask.ts", tmp_path)

    options = ("--target", "es2022", "--module", "commonjs", "--lib", "es2022,dom", "--strict", "--outDir", tmp_path / "made")
    run("tsc", *options, tmp_path / "ask.ts")
    assert ask("node", tmp_path / "made" / "ask.js") == ASKED


@program("spectral")
def test_spectral_finds_no_error(document, answering, tmp_path):
    (tmp_path / "gateway.json").write_bytes(httpx.get(f"{answering.url}/openapi.json").raise_for_status().content)
    (tmp_path / "rules.json").write_text(json.dumps({"extends": ["spectral:oas"]}))

    run("spectral", "lint", "--fail-severity", "error", "--ruleset", tmp_path / "rules.json", document, tmp_path / "gateway.json")


@program("openapi-python-client")
def test_a_client_of_the_gateways_own_paths_is_generated_without_a_warning(answering, tmp_path):
    path = tmp_path / "gateway.json"
    path.write_bytes(httpx.get(f"{answering.url}/openapi.json").raise_for_status().content)

    made = run("openapi-python-client", "generate", "--path", path, "--output-path", tmp_path / "client", "--meta", "none")
    assert "WARNING parsing" not in made
