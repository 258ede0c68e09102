"""A bundle: the folder that is deployed. Compiled model, contract, probe rows, and the checksum of each.

`contract`, `reading` and `installing` need nothing but the standard library and msgspec, because the gateway imports them.
"""
