"""A board as one page of HTML, drawn from a Prometheus: for who changes a board and has no Grafana at hand."""
