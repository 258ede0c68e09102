"""The search for hyperparameters: points, trials, workers, and the choice of a trial."""
