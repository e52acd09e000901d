"""Answers about jobs, written from rows straight to JSON: a page holds a thousand jobs, and there may be many pages.

Every writer is held to botocore's model when it is made, and what comes from requests was checked against the same
model when it was accepted, so that no member with a wrong name or type can be sent. Names, ids and ARNs need no
escaping, because no other ones are accepted.
"""
