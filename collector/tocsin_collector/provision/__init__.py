"""From the catalogue to the servers that people run: what should be there, what is there, the difference, the writes.

One file a step: ``desired`` (from catalogue and configuration), ``grafana`` and ``prometheus`` (what is there, and the
writes), ``difference`` (pure), ``export`` (the same objects as files for others to install), ``plan`` (one run).
"""
