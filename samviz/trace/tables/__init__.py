"""A trace as tables for other tools: pandas, Arrow, xarray, Parquet, CSV."""
