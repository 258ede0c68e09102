"""A bundle: the folder that is deployed, with the compiled model, its contract, probe rows, and the checksum of each file.

The gateway imports `contract`, `reading` and `store`, which need msgspec, and `engine` and `engines`, which also need numpy, ONNX Runtime
for a bundle with a graph, and scikit-learn for one with a pipeline. `compiling` and `borders` work on the fitted scikit-learn model.
"""
