"""What AWS Batch refuses, one small function for each limit; each raises ClientException and changes nothing.

https://docs.aws.amazon.com/batch/latest/userguide/service_limits.html
"""
