"""What a job is made of, as pure functions: its specification, its command, its needs and its retries."""
