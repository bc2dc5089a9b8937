"""The package of AWS Glue's machine-learning transforms; they are not built, and say so when they are called."""
