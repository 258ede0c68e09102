"""What a person looks at: tables of Markdown, and pictures as PNG."""
