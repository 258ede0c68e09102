"""A bundle: the folder that is deployed. Compiled model, contract, probe rows, and the checksum of each.

`contract`, `reading` and `installing` need the standard library and msgspec, `engine` and `engines` also numpy and, for a bundle that
holds a graph, ONNX Runtime, or for one that holds a pipeline, scikit-learn: the gateway imports these. `compiling` and `borders`
see the fitted scikit-learn model.
"""
