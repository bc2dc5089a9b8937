"""Cancelling what an interactive session's process waits for: the Connect client's own stub, and a server that is told what."""

import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from pyspark.sql.connect import proto
from pyspark.sql.connect.proto import base_pb2_grpc as service

from tenon_session import calls, statements
from tenon_session.interrupts import Interrupts

OPERATION = "00000000-0000-4000-8000-000000000000"


class Engine(service.SparkConnectServiceServicer):
    """Executes and analyzes until it is stopped, as a server does that plans: at first it does not know what it is told to stop."""

    def __init__(self, knows_after):
        self.knows_after = knows_after
        self.told = []
        self.begun, self.over = threading.Event(), threading.Event()

    def wait(self, context):
        context.add_callback(self.over.set)
        self.begun.set()
        self.over.wait(60)

    def ExecutePlan(self, request, context):
        self.wait(context)
        yield from ()

    def AnalyzePlan(self, request, context):
        self.wait(context)
        return proto.AnalyzePlanResponse()

    def Interrupt(self, request, context):
        self.told.append(request.operation_id)
        if len(self.told) <= self.knows_after:
            return proto.InterruptResponse()
        self.over.set()
        return proto.InterruptResponse(interrupted_ids=[request.operation_id])

    def Config(self, request, context):
        return proto.ConfigResponse(session_id=request.session_id)


@pytest.fixture
def interrupts():
    before, stub = signal.getsignal(signal.SIGUSR1), service.SparkConnectServiceStub
    made = Interrupts()
    calls.extend(made)
    yield made
    service.SparkConnectServiceStub = stub
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def serve():
    servers = []

    def started(engine):
        server = grpc.server(ThreadPoolExecutor(4))
        service.add_SparkConnectServiceServicer_to_server(engine, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return service.SparkConnectServiceStub(grpc.insecure_channel(f"127.0.0.1:{port}"))

    yield started
    for server in servers:
        server.stop(None)


def cancelled(interrupts, engine, code, **names):
    """Runs a statement, and cancels it again and again, as the server does, once the engine is at it."""
    done = threading.Event()

    def cancel():
        assert engine.begun.wait(60)
        while not done.wait(0.01):
            interrupts.cancel(1)

    with ThreadPoolExecutor(1) as pool:
        cancelling = pool.submit(cancel)
        try:
            with pytest.raises(KeyboardInterrupt), interrupts.statement(1):
                exec(compile(code, statements.place(1), "exec"), names)
        finally:
            done.set()
        cancelling.result()
    assert engine.over.wait(60)


QUERY = proto.ExecutePlanRequest(
    session_id="s", operation_id=OPERATION, plan=proto.Plan(root=proto.Relation(range=proto.Range(end=3, step=1)))
)


@pytest.mark.parametrize("knows_after, told", (
    (0, 1), (3, 4),
    # It never does: the call is given up.
    (1000, 10),
))
def test_an_operation_is_stopped_on_the_server(interrupts, serve, knows_after, told):
    engine = Engine(knows_after)
    stub = serve(engine)
    cancelled(interrupts, engine, "list(stub.ExecutePlan(request))", stub=stub, request=QUERY)
    # Once more when the call ends before the answer is there.
    assert set(engine.told) == {OPERATION} and told <= len(engine.told) <= told + 1
    with interrupts.statement(2):
        assert stub.Config(proto.ConfigRequest(session_id="next")).session_id == "next"


def test_other_calls_are_stopped(interrupts, serve):
    engine = Engine(0)
    stub = serve(engine)
    cancelled(interrupts, engine, "stub.AnalyzePlan(request)", stub=stub, request=proto.AnalyzePlanRequest(session_id="s"))
    assert not engine.told


def test_calls_of_other_threads_are_not_stopped(interrupts, serve):
    engine, mine = Engine(0), Engine(0)
    theirs = serve(engine)
    with ThreadPoolExecutor(1) as pool:
        query = pool.submit(lambda: list(theirs.ExecutePlan(QUERY)))
        assert engine.begun.wait(60)
        cancelled(interrupts, mine, "list(stub.ExecutePlan(request))", stub=serve(mine), request=QUERY)
        assert not engine.told and not query.done()
        engine.over.set()
        assert query.result() == []
