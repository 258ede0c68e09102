#!/usr/bin/env bash
# Make earlier_home.tar.gz: a backup of a home folder as an earlier Slipway left it. test_earlier_home.py opens it with today's code.
#
#     git clone . /tmp/earlier && git -C /tmp/earlier checkout cd3ed53 && make -C /tmp/earlier install
#     bash tests/data/earlier_home.sh /tmp/earlier tests/data/earlier_home.tar.gz
#
# Version 1 of heart-failure is released, version 2 is released and approved; a key is made, a subject is predicted and the outcome
# recorded, the model is watched, and the monthly schedule is switched on. Pictures, logs and Prefect's events are left out: they are large.
set -euo pipefail
checkout=$(realpath "$1") file=$(realpath "$2")
python=$checkout/.venv/bin/python slipway=$checkout/.venv/bin/slipway
folder=$(mktemp -d)
cd "$checkout"

export SLIPWAY_HOME=$folder/home SLIPWAY_PREFECT_PORT=14200 SLIPWAY_MLFLOW_PORT=15000 SLIPWAY_GATEWAY_PORT=18000
export SLIPWAY_MODEL_PORTS='{"heart-failure": 18001}'
trap '"$slipway" down' EXIT
"$slipway" up
"$slipway" release heart-failure --sample --trials 2
"$slipway" release heart-failure --sample --trials 2 --approval &
until "$slipway" approvals --json | grep -q '"version"'; do sleep 1; done
"$slipway" approve heart-failure --because "the figures hold"
wait %1
"$slipway" keys add clinic --role predict:heart-failure >/dev/null

"$python" - <<'PYTHON'
import csv
from pathlib import Path

import httpx

from slipway.catalogue import lookup
from slipway.data import samples
from slipway.settings import Settings

settings, spec = Settings.load(), lookup("heart-failure")
rows = samples.draw(spec, samples.statistics(spec)).head(20)[spec.columns.names].astype(object).to_dict(orient="records")
key = {"Authorization": f"Bearer {settings.api_key.get_secret_value()}"}
subjects = [f"P-{number:02d}" for number in range(20)]
about = [row | {"subject": subject} for row, subject in zip(rows, subjects, strict=True)]
httpx.post("http://127.0.0.1:18001/predict", json={"rows": about}, headers=key).raise_for_status()
httpx.post("http://127.0.0.1:18001/predict", json={"rows": [rows[0] | {"Age": "forty"}]}, headers=key)
with (settings.home / "outcomes.csv").open("w") as file:
    csv.writer(file).writerows([("subject", "outcome"), *((subject, 1) for subject in subjects[:5])])
api = f"{settings.prefect_url}/api"
deployment = httpx.get(f"{api}/deployments/name/release/heart-failure").json()
(schedule,) = deployment["schedules"]
switch = f"{api}/deployments/{deployment['id']}/schedules/{schedule['id']}"
httpx.patch(switch, json={"active": True}).raise_for_status()
PYTHON
"$slipway" outcomes heart-failure "$SLIPWAY_HOME/outcomes.csv"
"$slipway" watch heart-failure
"$slipway" down
trap - EXIT

"$python" - <<'PYTHON'
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

home = Path(os.environ["SLIPWAY_HOME"])
for folder in [home / "logs", home / "supervisor", *home.glob("mlflow/artifacts/*/*/artifacts/plots"), *home.glob("**/reports")]:
    shutil.rmtree(folder, ignore_errors=True)
with closing(sqlite3.connect(home / "prefect" / "prefect.db", isolation_level=None)) as database:
    for table in ("artifact", "artifact_collection", "log", "events", "event_resources"):
        database.execute(f"DELETE FROM {table}")
    database.execute("VACUUM")
PYTHON
"$slipway" backup "$file"
rm -r "$folder"
