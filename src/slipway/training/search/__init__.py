"""The search for hyperparameters: points, trials, workers, and the choice."""
