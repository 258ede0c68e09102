"""Whether a model in service still fits: drift of what it is sent and says, outcomes, and what is to be done about it.

`plan` is what a spec may say; `findings` is what is found. `drift` and `performance` measure a window, `policy` decides by several.
"""
