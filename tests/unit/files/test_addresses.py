"""An address that contains a secret or cannot be read is refused before any request; the others are split into their parts."""

from __future__ import annotations

import pytest

from slipway.files.addresses import DvcFile, checked, dvc_file, masked, of_file

SECRET = "correct-horse-battery-staple"


@pytest.mark.parametrize(
    "address",
    [
        "rows/heart.csv",
        "~/rows",
        "file:///srv/rows/heart.csv",
        "https://rows.example/heart.csv?download=1",
        "s3://rows/heart.csv?versionId=3HL4kqtJlcpXrof3vjVBH40Nrjfkd",
        "dvc+https://host/team/data.git@v1.2#data/heart.csv",
        "dvc+ssh://git@host/team/data.git@v1.2#data/heart.csv",
        "dvc+file:///srv/data@v1#heart.csv",
        "sql+postgresql://host:5432/clinic?sslmode=verify-full",
        "sql+sqlite:///srv/clinic.db",
        "sql+mysql+pymysql://host/clinic",
    ],
)
def test_every_kind_of_address_is_accepted_unchanged(address: str) -> None:
    assert checked(address, "the origin") == address


@pytest.mark.parametrize(
    "address",
    [
        f"https://reader:{SECRET}@rows.example/heart.csv",
        f"https://{SECRET}@rows.example/heart.csv",
        f"s3://key:{SECRET}@rows/heart.csv",
        f"dvc+https://{SECRET}@host/data.git@v1#heart.csv",
        f"dvc+ssh://git:{SECRET}@host/data.git@v1#heart.csv",
        f"https://rows.s3.amazonaws.com/heart.csv?X-Amz-Signature={SECRET}",
        f"https://rows.blob.core.windows.net/heart.csv?sv=1&sig={SECRET}",
        f"sql+postgresql://reader:{SECRET}@host/clinic",
        f"sql+postgresql://reader:#{SECRET}@host/clinic",
        f"sql+postgresql://reader:/{SECRET}@host/clinic",
        "sql+postgresql://reader@host/clinic",
        f"sql+postgresql://host/clinic?user=reader&password={SECRET}",
        f"sql+mssql+pyodbc:///?odbc_connect=PWD%3D{SECRET}",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_shown(address: str) -> None:
    with pytest.raises(ValueError, match="SLIPWAY_MIRROR must not contain a password, a token or a signature") as refusal:
        checked(address, "SLIPWAY_MIRROR")

    assert SECRET not in str(refusal.value)


def test_an_unknown_kind_of_address_is_refused_with_a_list_of_the_kinds() -> None:
    with pytest.raises(ValueError, match=r"the origin gs://rows/heart\.csv begins with gs://.*http, https, file, s3, dvc\+file"):
        checked("gs://rows/heart.csv", "the origin")


@pytest.mark.parametrize(
    ("address", "file"),
    [
        ("dvc+https://host/team/data.git@v1.2#data/heart.csv", DvcFile("https://host/team/data.git", "v1.2", "data/heart.csv")),
        ("dvc+ssh://git@host/data.git@feature/rows#heart.csv", DvcFile("ssh://git@host/data.git", "feature/rows", "heart.csv")),
        ("dvc+file:///srv/data@0123abc#/heart.csv", DvcFile("/srv/data", "0123abc", "heart.csv")),
    ],
)
def test_an_address_of_dvc_names_repository_revision_and_path(address: str, file: DvcFile) -> None:
    assert dvc_file(address) == file


@pytest.mark.parametrize(
    "address",
    [
        "dvc+https://host/data.git#heart.csv",
        "dvc+ssh://git@host/data.git#heart.csv",
        "dvc+https://host/data.git@v1",
        "dvc+file:///srv/data@#a.csv",
    ],
)
def test_an_address_of_dvc_that_lacks_a_part_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(ValueError, match=r"Write dvc\+URL@REVISION#PATH, such as dvc\+https://host/team/data\.git@v1\.2#data/heart\.csv"):
        dvc_file(address)


@pytest.mark.parametrize(
    ("mirror", "address"),
    [
        ("/srv/rows/", "/srv/rows/heart.csv"),
        ("s3://rows/2026", "s3://rows/2026/heart.csv"),
        ("dvc+https://host/data.git@v1", "dvc+https://host/data.git@v1#heart.csv"),
        ("dvc+https://host/data.git@v1#data/", "dvc+https://host/data.git@v1#data/heart.csv"),
    ],
)
def test_a_mirror_of_every_kind_has_the_file_under_its_name(mirror: str, address: str) -> None:
    assert of_file(mirror, "heart.csv") == address


def test_credentials_in_the_messages_of_other_programs_are_hidden() -> None:
    shown = masked(f"cannot clone https://reader:{SECRET}@host/data.git; git@host is well")

    assert shown == "cannot clone https://***@host/data.git; git@host is well"
