"""Welcome to the top floor: the composition root, where the rooms below are put together and served.

Nothing is decided here about garments or products. You find: one flat settings file read from the environment
(`settings`), the routes (`urls`), the doors (`wsgi`, `celery`, `gunicorn_conf`), the one shape of HTTP errors
(`http_errors`), the health checks (`health`), and the one-command demo (`python -m deploy.demo`).
It is the only package that may import every other one, and none imports it.
"""
