"""`python -m demo --url http://127.0.0.1:8000` plays the story on a running register."""

import click

from demo.acts.ministry import WrongFigures
from demo.client import Refused, Register
from demo.screen import Screen
from demo.story import tell


@click.command()
@click.option("--url", required=True, help="Where the register listens, e.g. http://127.0.0.1:8000.")
def main(url: str) -> None:
    """Play the demo through the REST API of a register; playing it again duplicates nothing."""
    screen = Screen()
    try:
        tell(Register(url), screen)
    except (Refused, WrongFigures) as error:
        screen.fail(str(error))
        raise SystemExit(1) from error


if __name__ == "__main__":
    main()
