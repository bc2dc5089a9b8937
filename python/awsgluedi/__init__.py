"""The package of AWS Glue Studio's data-preparation transforms; they are not built, and say so when they are called."""
