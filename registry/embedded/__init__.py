"""PostgreSQL and SeaweedFS S3 on one machine, from PyPI wheels, so that one command gives a working register.

Owns the folders of both servers: data, secrets (0600), remembered ports, logs. Both listen on 127.0.0.1 only.
It does not migrate the database and does not make buckets.
"""
