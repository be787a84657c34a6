"""The public site's own pages: HTML from the same selectors as the API."""
