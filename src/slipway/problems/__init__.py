"""What a kind of problem is: one folder for each kind, and the rest of the code asks it instead of knowing it.

A kind answers through three classes:

- the target, which a model's file declares: its labels, and the figures that may be tuned (`spec.columns.target`)
- the output, which a server needs: how a label follows from an engine's numbers, and how an answer is written (`contract.output`)
- the problem, which needs the training libraries: folds, evaluations, plots, card, drift and simulation (`spec.problem`)
"""
