"""What happens to jobs after they were accepted."""
