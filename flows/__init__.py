"""The order of the steps. A flow reads as a colleague would describe it aloud."""

import logging

from flows import run_log

# Prefect carries the library's log lines into the run page, but leaves their level to us.
logging.getLogger("slipway").setLevel(logging.INFO)
run_log.install()
