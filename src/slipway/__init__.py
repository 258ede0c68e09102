"""Everything about releasing a tabular model that is true without an orchestrator.

Importing this package is cheap on purpose: the gateway lives here too and must start in under a second,
so heavy libraries are imported only by the modules, or functions, that need them.
"""
