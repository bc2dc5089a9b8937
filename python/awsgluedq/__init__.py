"""AWS Glue Data Quality's package."""
