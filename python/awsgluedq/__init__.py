"""AWS Glue Data Quality's package; its rules are not built, and say so when they are called."""
