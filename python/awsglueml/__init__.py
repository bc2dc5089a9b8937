"""The package of AWS Glue's machine-learning transforms: personal data is found by the server, the others say that they are not built."""
