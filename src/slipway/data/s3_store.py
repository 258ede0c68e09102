"""Rows in Amazon S3, or in a store with the same protocol.

Credentials, region and endpoint are those of any AWS program: AWS_* variables, a profile, or the machine's role.
AWS_ENDPOINT_URL names another store, FSSPEC_S3_ANON=true reads a public bucket without credentials.
"""

from __future__ import annotations

from slipway.data.extras import require
from slipway.errors import DatasetNotFoundError, OriginUnreachableError
from slipway.files.addresses import WAY_OUT

# the task retries, so that an operator sees it
ONCE = {"retries": {"total_max_attempts": 1}, "connect_timeout": 10, "read_timeout": 60}


def read(model: str, address: str) -> bytes:
    """Return the content of `s3://BUCKET/KEY`, or of one version of it, `s3://BUCKET/KEY?versionId=ID`.

    Raises:
        OriginUnreachableError: No connection, an interrupted answer, 5xx, or too many requests.
        DatasetNotFoundError: No such bucket, key or version, no permission, or no credentials.
        MissingExtraError: s3fs is not installed.
    """
    require("s3fs", "s3", model, address)
    from aiohttp import ClientError
    from botocore.exceptions import BotoCoreError
    from s3fs import S3FileSystem

    # not from fsspec's cache, which would still use credentials and an endpoint that have changed since;
    # and not in parallel parts, which would mix two files if the file is replaced meanwhile
    store = S3FileSystem(config_kwargs=ONCE, version_aware="?versionId=" in address, max_concurrency=1, skip_instance_cache=True)
    store.retries = 1
    try:
        return bytes(store.cat_file(address))
    except (OSError, BotoCoreError, ClientError) as error:
        reason = str(error) or type(error).__name__
        if heals(error):
            raise OriginUnreachableError(f"{model}: {address} cannot be reached ({reason}). {WAY_OUT}") from error
        raise DatasetNotFoundError(f"{model}: {address} cannot be read ({reason}). {WAY_OUT}") from error


def heals(error: BaseException) -> bool:
    """Return whether a failure of an S3 store may heal, so that another attempt may help."""
    from aiohttp import ClientConnectionError, ClientPayloadError
    from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
    from botocore.exceptions import ConnectionError as BotoConnectionError

    if isinstance(
        error, (BotoConnectionError, HTTPClientError, IncompleteReadError, ClientConnectionError, ClientPayloadError, TimeoutError)
    ):
        return True
    answer = error.__cause__  # s3fs wraps it in an OSError
    return isinstance(answer, ClientError) and int(answer.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)) >= 500
