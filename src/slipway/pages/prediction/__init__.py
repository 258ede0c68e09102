"""The form of a model and its answer: from the contract and the words of a bundle to what a template shows."""
