"""Log files, tailed and shipped to the collector: no line lost, none twice, whatever is rotated or killed."""
