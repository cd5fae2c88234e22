"""The vision model at the end of a queue: photos in, garments out. Pure: no Django, no records, no prices.

`client` is what callers use; it runs the same task in this process or sends it to a vision worker
(`celery -A workers.celery worker -Q vision -P solo`), as the environment says.
"""
