"""`python -m api.openapi` prints the contract as YAML: what is checked in as openapi.yaml."""

import sys

from api.app import build
from api.contract import Api, document
from api.operations import as_yaml


def contract() -> str:
    app = build()
    api: Api = app.extensions["flask-smorest"]["apis"][""]["ext_obj"]
    return as_yaml(document(api))


if __name__ == "__main__":
    sys.stdout.write(contract())
