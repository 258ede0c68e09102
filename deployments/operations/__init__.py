"""What the gateway's pages ask for and the gateway itself is too slim to know: ledger, journal, Prefect's runs, files of other formats.

It runs as a process beside each worker of the gateway (`slipway.gateway.operations`), from the first question until the worker ends.
"""
