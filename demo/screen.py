"""What the demo says: with colours and a moving bar on a terminal, in plain lines elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from demo.client import Sum

PLAIN_WIDTH = 132
"""Columns when nobody's terminal says how many there are."""
LINES_OF_PROGRESS = 4
"""In place of a bar."""

Advance = Callable[[int], None]


class Screen:
    def __init__(self) -> None:
        self.console = Console(highlight=False)
        if not self.console.is_terminal:
            self.console = Console(highlight=False, width=PLAIN_WIDTH, no_color=True)

    def title(self, number: int, text: str) -> None:
        self.console.print()
        self.console.print(f"[bold cyan]{number}  {escape(text)}[/]")

    def say(self, text: str) -> None:
        self.console.print(f"   {escape(text)}", soft_wrap=True)

    def done(self, what: str, count: Sum) -> None:
        """How many were made, and how many of them were there already."""
        already = f" [dim](already there: {count.unchanged:,})[/]" if count.unchanged else ""
        self.console.print(f"   [green]✓[/] {count.items:,} {escape(what)}{already}")

    def check(self, text: str) -> None:
        self.console.print(f"   [green]✓[/] {escape(text)}", soft_wrap=True)

    def warn(self, text: str) -> None:
        self.console.print(f"   [bold red]![/] {escape(text)}", soft_wrap=True)

    def table(self, *columns: str, numbers: int = 0) -> Table:
        """The last ``numbers`` columns are numbers."""
        table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
        for place, column in enumerate(columns):
            is_number = place >= len(columns) - numbers
            table.add_column(column, justify="right" if is_number else "left", no_wrap=is_number)
        return table

    def show(self, table: Table) -> None:
        self.console.print()
        self.console.print(Padding(table, (0, 0, 1, 3), expand=False))

    def to_paste(self, line: str) -> None:
        """Never wrapped, so that it can be copied."""
        self.console.print(f"      [bold]{escape(line)}[/]", soft_wrap=True)

    def fail(self, text: str) -> None:
        Console(stderr=True, highlight=False).print(f"[red]demo: {escape(text)}[/]", soft_wrap=True)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Advance]:
        if not self.console.is_terminal:
            yield self._lines(what, total)
            return
        columns = (TextColumn("   {task.description}"), BarColumn(bar_width=40), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task(what, total=total)
            yield lambda steps: bar.advance(task, steps)

    def _lines(self, what: str, total: int) -> Advance:
        done, said = 0, 0

        def advance(steps: int) -> None:
            nonlocal done, said
            done += steps
            due = done * LINES_OF_PROGRESS // total
            if due > said:
                said = due
                self.say(f"{what}: {done:,} of {total:,}")

        return advance
