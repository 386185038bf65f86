"""What was deployed when, as people and pipelines say it: told beside an alarm that began then."""
