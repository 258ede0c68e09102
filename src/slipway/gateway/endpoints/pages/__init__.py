"""The handlers of the pages. Before a handler runs, its caller is known, and its form is one of the gateway's own."""
