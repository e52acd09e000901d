"""The operations: what each one does with a checked request, and what it answers."""
