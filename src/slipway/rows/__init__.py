"""Whether rows keep the contract: for requests, files of rows, and outcomes alike."""
