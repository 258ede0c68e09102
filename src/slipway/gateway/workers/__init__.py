"""The processes that answer: started, replaced when they end, and what each reports to the others."""
