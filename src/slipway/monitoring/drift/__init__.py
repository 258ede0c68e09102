"""Whether served rows have drifted from the training rows, column by column."""
