"""The engines a contract may name, one a file. They need numpy, `graph` ONNX Runtime, and `pyfunc` scikit-learn: the gateway runs them."""
