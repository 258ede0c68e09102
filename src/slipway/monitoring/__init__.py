"""Whether the model in service still fits: drift of its inputs and answers, performance by outcomes, and alarms.

`drift` and `performance` measure a window, `findings` are their results, and `policy` decides about an alarm.
"""
