"""What browsers need and programs do not: cookies, forms that no other site can send, languages, redirects, and errors as pages."""
