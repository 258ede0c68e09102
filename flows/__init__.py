"""The order of the steps. A flow reads as the paragraph a colleague would say aloud."""
