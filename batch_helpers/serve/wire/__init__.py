"""The protocols: from HTTP requests to checked values, and from values to checked answers."""
