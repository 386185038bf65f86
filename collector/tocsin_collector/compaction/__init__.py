"""Sealed segments as Parquet files by project, model and hour, for DuckDB, pandas and Spark (extra `parquet`)."""
