"""Charts described once: drawn live on the page and still by matplotlib."""
