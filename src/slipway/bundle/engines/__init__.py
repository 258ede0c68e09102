"""The engines a contract may name, one a file. They need numpy, and `graph` ONNX Runtime: the gateway runs them."""
