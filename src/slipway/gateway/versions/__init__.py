"""The versions that answer: loaded, switched, batched, split and shadowed."""
