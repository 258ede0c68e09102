"""From rows to a measured model: split once, tuned on the training rows, scored once on the test rows."""
