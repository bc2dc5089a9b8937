"""Unit tests need neither PySpark nor a server: only what the library itself needs."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))
