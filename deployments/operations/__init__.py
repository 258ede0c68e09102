"""What the gateway's pages ask for and the gateway itself is too slim to know: ledger, journal, Prefect's runs, files of other formats.

It runs as a process beside each worker of the gateway, from the first question (`slipway.gateway.workers.operations`) until
the worker ends.
"""
