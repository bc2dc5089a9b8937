"""Runs SQL on Sail, a Spark server without Java, whose catalog is a Glue; alone in a process, since Sail reads the
environment once. Statements come as JSON on standard input; rows, or the error of a statement, go out."""

import json
import sys

from pysail.spark import SparkConnectServer
from pyspark.sql import SparkSession


def run(spark, statement):
    try:
        made = spark.sql(statement)
        # The client cannot show how many rows a command wrote: it has no unsigned numbers.
        commands = ("INSERT", "CREATE", "DROP")
        return {"rows": [] if statement.startswith(commands) else [list(row) for row in made.collect()]}
    except Exception as error:  # noqa: BLE001 - whatever it is, the test sees it
        return {"error": str(error)}


def main():
    server = SparkConnectServer(port=0)
    server.start(background=True)
    _, port = server.listening_address
    spark = SparkSession.builder.remote(f"sc://127.0.0.1:{port}").getOrCreate()
    answers = [run(spark, statement) for statement in json.load(sys.stdin)]
    spark.stop()
    server.stop()
    print(json.dumps(answers, default=str))


main()
