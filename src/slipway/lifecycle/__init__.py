"""How a version comes into service, is tried, and is taken back: promotion, challenge, approval, rollback, ledger."""
