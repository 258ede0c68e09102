"""Tables of Markdown, and pictures as PNG."""
