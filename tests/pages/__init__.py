"""
Pages and pictures of the documentation that are made of what they are about.

Reading order: metrics (the table of every metric), picture (what one line of code makes Prometheus know).
"""
