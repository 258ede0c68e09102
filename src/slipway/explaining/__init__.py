"""Why a version answers as it does about one row: what each column of the contract adds to the answer. Begin at `explaining.py`."""
