"""What must be there before the first job runs: one room for each cloud."""
