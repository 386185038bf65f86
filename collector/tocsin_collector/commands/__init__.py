"""The subcommands of `tocsin`, one file each, found by listing; each file holds a click command named ``command``."""
