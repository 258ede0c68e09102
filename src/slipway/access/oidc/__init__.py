"""An OIDC provider: its tokens as credentials of the API, and people who sign in to the pages there."""
