"""The data folder that a command works on, of a collector that runs or not."""

import os

import click

from tocsin_schema.config import ConfigError, load
from tocsin_schema.settings.collector import COLLECTOR


def data_folder(file: str | None, data: str | None) -> str:
    """The folder ``data``, or the one that the configuration names. Says what is wrong, and exits: 78 where that is the
    configuration, 1 where there is no such folder; of another's folder nothing that is said would be true."""
    try:
        folder = data or str(load(COLLECTOR, file, os.environ)["data_dir"])
    except ConfigError as error:
        click.echo("\n".join(error.faults), err=True)
        raise SystemExit(78) from None
    if not os.path.exists(folder):
        click.echo(f"{folder}: no such folder; name the collector's data folder with --data", err=True)
        raise SystemExit(1)
    return folder
