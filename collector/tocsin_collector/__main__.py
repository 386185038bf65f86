"""The command `tocsin`."""

import importlib
import os
import pkgutil

import click

from tocsin_collector import commands

# Before numpy is imported. Its matrices are small here: two threads that wait for each other cost ten times the CPU.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


class Commands(click.Group):
    """The group of the subcommands; a file is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, found by listing."""
        del ctx
        return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a file, None when there is no such file."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"{commands.__name__}.{cmd_name}").command
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tocsin-collector", prog_name="tocsin")
def main() -> None:
    """Watch models and the machines that serve them; ring when they go wrong.

    \b
    Example:
      tocsin up --demo        agent, collector and page, on a real model's traffic
    """


if __name__ == "__main__":
    main(prog_name="tocsin")
