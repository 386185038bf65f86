"""One file a group; each holds a tuple ``ALERTS``. A new group is a new file, its runbooks, and nothing else."""
