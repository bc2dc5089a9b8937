"""Opens the engine, says that it is ready, and runs statements until it is killed."""

from __future__ import annotations

import queue
import sys
import threading
from types import ModuleType
from typing import Any, Dict

from tenon_session import calls, channel, statements
from tenon_session.interrupts import Interrupts
from tenon_session.printed import Printed


def offered(module: ModuleType) -> None:
    """Adds what a Glue session has from its beginning. Raises what opening the engine raises."""
    from awsglue.context import GlueContext
    from pyspark.context import SparkContext
    from pyspark.sql import SQLContext

    context = SparkContext.getOrCreate()
    glue = GlueContext(context)
    module.__dict__.update(sc=context, glueContext=glue, spark=glue.spark_session, sqlContext=SQLContext(context))


def _listen(messages: Any, interrupts: Interrupts, todo: "queue.Queue[Dict[str, Any]]") -> None:
    for message in messages:
        if "cancel" in message:
            interrupts.cancel(message["cancel"])
        else:
            todo.put(message)


def _run(module: ModuleType, interrupts: Interrupts, printed: Printed, message: Dict[str, Any]) -> Dict[str, Any]:
    """Runs one statement; what it raised, if anything, is in the answer."""
    number, error = message["run"], None
    try:
        with interrupts.statement(number):
            try:
                printed.begin(number)
                statements.execute(module, number, message["code"])
            finally:
                printed.flush()
    except BaseException as raised:  # noqa: BLE001 - `exit()` ends a statement, not the session
        error = statements.described(raised)
    printed.begin(0)
    return {"done": number, "error": error}


def main() -> None:
    """The session."""
    interrupts = Interrupts()
    out = channel.Channel(interrupts)
    module = statements.namespace()
    calls.extend(interrupts)
    offered(module)
    messages = channel.lines()
    printed = Printed(out, interrupts)
    sys.stdout = sys.stderr = printed
    sys.displayhook = statements.show
    todo: "queue.Queue[Dict[str, Any]]" = queue.Queue()
    threading.Thread(target=_listen, args=(messages, interrupts, todo), daemon=True).start()
    out.send({"ready": True})
    while True:
        out.send(_run(module, interrupts, printed, todo.get()))


main()
