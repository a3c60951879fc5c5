"""
An API in which each route has one sickness, and how each shows.

Reading order: app (the API), databases (its three drivers), evidence (what each sickness is known by).
"""
