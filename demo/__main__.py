"""`python -m demo --url http://127.0.0.1:8000 --tokens FILE --code CODE` plays the story on a running register."""

from pathlib import Path

import click

from demo.acts.ministry import WrongFigures
from demo.acts.people import admit_administrator
from demo.client import Refused, Register
from demo.screen import Screen
from demo.story import tell
from demo.tokens import Tokens


@click.command()
@click.option("--url", required=True, help="Where the register listens, e.g. http://127.0.0.1:8000.")
@click.option("--tokens", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the tokens of the people of the demo.")
@click.option("--code", envvar="REGISTRY_ENROLMENT_CODE", default="", help="One-time enrolment code of an administrator of the ministry.")
def main(url: str, tokens: Path, code: str) -> None:
    """Play the demo through the REST API of a register; playing it again duplicates nothing."""
    screen = Screen()
    try:
        register = Register(url, Tokens(tokens))
        admit_administrator(register, code)
        tell(register, screen, tokens.parent)
    except (Refused, WrongFigures) as error:
        screen.fail(str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
