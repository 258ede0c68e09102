"""The server of all models.

Its process loads no orchestrator, no tracker, no data frames and no training library, so that it starts in under a second and stays
small. The way of a request: size limit -> key -> decode and check against the contract -> predict -> audit log -> reply.
"""
