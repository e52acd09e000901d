"""What becomes of a job that may start: a process, or only the semblance of one."""
