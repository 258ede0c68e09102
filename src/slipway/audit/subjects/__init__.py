"""The ids of patients and customers in the log: keyed pseudonyms, their keys, and who may read them."""
