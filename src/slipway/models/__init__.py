"""One file per model: `MODEL = ModelSpec(...)`. See docs/adding-a-model.md.

The files of the folder that SLIPWAY_MODELS names are modules of this package too, so that a process which is handed what one
of them defines, as those that tune are, imports it by the same name.
"""

from slipway.settings import Settings

if further := Settings.load().models:
    __path__.append(str(further))
