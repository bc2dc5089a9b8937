"""Calls to the engine's server that a cancelled statement does not wait for, and no query that goes on behind its back.

An exception in the middle of gRPC leaves locks taken on which all later calls wait, so interrupts spare Spark Connect's client
(`Interrupts.spare`). What it waits for is stopped by the thread that has heard of the cancelling: calls by gRPC's own means,
operations (queries, and commands such as writes) by telling the server. A server that does not know the operation, because it
is still planning it, is told again: if the client had merely gone away, it would begin the operation and go on with it.
"""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, Iterator

from tenon_session.interrupts import Interrupts

_ANSWER_SECONDS = 2.0
# How often a server is told to stop what it does not know, before the call is given up. It is told twice a second.
_ATTEMPTS = 10


def extend(interrupts: Interrupts) -> None:
    """Puts this into the Connect client, if it is the engine's; before its sessions are made."""
    try:
        from awsglue import _engine

        if _engine.chosen() == "spark":
            return
        _engine.import_libraries()
        import grpc
        from pyspark.sql.connect import client
        from pyspark.sql.connect.proto import base_pb2_grpc as service
    except ImportError:  # said by who makes the session
        return
    own = service.SparkConnectServiceStub

    class Stub(own):  # type: ignore[misc, valid-type]
        """Spark Connect's calls, each of which can be stopped."""

        def __init__(self, channel: Any) -> None:
            super().__init__(channel)
            tell = self.Interrupt
            for name, method in list(vars(self).items()):
                if isinstance(method, grpc.UnaryStreamMultiCallable):
                    setattr(self, name, _streaming(method, tell, interrupts))
                else:
                    setattr(self, name, _single(method, interrupts))

    interrupts.spare(*(os.path.dirname(module.__file__) + os.sep for module in (grpc, client)))
    service.SparkConnectServiceStub = Stub


def _single(method: Any, interrupts: Interrupts) -> Callable[..., Any]:
    def call(request: Any, **options: Any) -> Any:
        begun = method.future(request, **options)
        with interrupts.waiting(begun.cancel):
            return begun.result()

    return call


def _streaming(method: Any, tell: Any, interrupts: Interrupts) -> Callable[..., Any]:
    def call(request: Any, **options: Any) -> Any:
        return _Execution(method, tell, request, options, interrupts)

    return call


class _Execution:
    """The answers of an operation that the server executes. It is not asked for them before somebody waits for the first."""

    def __init__(self, method: Any, tell: Any, request: Any, options: Dict[str, Any], interrupts: Interrupts) -> None:
        self._method = method
        self._tell = tell
        self._request = request
        self._options = options
        self._interrupts = interrupts
        self._call: Any = None
        self._is_told = False
        self._attempts = _ATTEMPTS

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            with self._interrupts.waiting(self._stop):
                if self._call is None:
                    self._call = self._method(self._request, **self._options)
                return next(self._call)
        except KeyboardInterrupt:
            # An answer has come before the server was told.
            if not self._is_told:
                self._stop()
            raise

    def _stop(self) -> None:
        """Lets the server end the operation, which ends the call; at the last attempt ends the call alone."""
        if self._call is None:
            return
        self._attempts -= 1
        if self._is_known():
            self._is_told = True
        elif self._attempts <= 0:
            self._call.cancel()

    def _is_known(self) -> bool:
        import grpc
        from pyspark.sql.connect.proto import InterruptRequest

        request = InterruptRequest(
            session_id=self._request.session_id,
            user_context=self._request.user_context,
            interrupt_type=InterruptRequest.INTERRUPT_TYPE_OPERATION_ID,
            operation_id=self._request.operation_id,
        )
        try:
            answer = self._tell(request, timeout=_ANSWER_SECONDS, metadata=self._options.get("metadata"))
        except grpc.RpcError:
            return False
        return len(answer.interrupted_ids) > 0
