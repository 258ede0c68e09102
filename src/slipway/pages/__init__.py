"""The pages that people see, as pure functions from values to HTML: templates, style sheet, and messages in two languages.

Of HTTP, this room knows nothing: the gateway reads requests and sends the pages. Jinja2 is imported when the first page is shown.
"""
