"""What the endpoint remembers: one SQLite file, written before an answer is sent. No SQL stands outside this room."""
