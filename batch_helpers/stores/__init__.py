"""Where outputs lie: one module for each kind of store."""
