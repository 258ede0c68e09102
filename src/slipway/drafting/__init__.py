"""From a table to the draft of a model's file: what a program can see in the rows, and what only a person can say."""
