"""Where jobs run: one module or room for each engine."""
