"""One file a group; each holds a tuple ``METRICS``. A new group is a new file and nothing else."""
