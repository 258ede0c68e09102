"""Parts of benchmarks/learning.py: the rows of a model, and one course of its loop."""
