"""The engines that a contract may name, one a file. The gateway runs them. They need numpy, `graph` ONNX Runtime, `pyfunc` scikit-learn."""
