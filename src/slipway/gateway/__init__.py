"""The server that answers for every model of the fleet.

Its process holds neither orchestrator, tracker, frames nor training libraries: it starts in under a second and stays small. A request
passes size limit -> key -> decode and check against the contract -> predict -> audit log -> reply.
"""
