"""What the WSGI server runs: `gunicorn --config python:api.serving api.wsgi:app`."""

import gc

from api.app import create_app

app = create_app()

# What is loaded by now stays for good: the garbage collector need not look at it again and again.
gc.collect()
gc.freeze()
