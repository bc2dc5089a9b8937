"""S3 put and get beside MiniStack and moto_server: the same client, the same requests, in turn.

The client is four Python processes with a kept-alive connection each. Tenon syncs every put to disk before it
answers; the peers keep objects in memory.
"""

import http.client
import multiprocessing
import os
import time

import servers

CLIENTS = 4
# moto refuses anonymous reads; nobody here checks the signature.
CREDENTIAL = "Credential=test/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none"
SIGNED = {"Authorization": f"AWS4-HMAC-SHA256 {CREDENTIAL}", "X-Amz-Date": "20260101T000000Z"}
SIZES = {"1 KB": (1_024, 2_000), "64 MB": (64 * 2**20, 16)}


def work(port, method, keys, body, go, done):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    go.wait()
    for key in keys:
        headers = {**SIGNED, **({"Content-Length": str(len(body))} if method == "PUT" else {})}
        connection.request(method, key, body if method == "PUT" else None, headers)
        response = connection.getresponse()
        read = response.read()
        if response.status != 200 or (method == "GET" and len(read) != len(body)):
            raise RuntimeError(f"{method} {key}: {response.status}, {len(read)} bytes")
    done.put(len(keys))


def measure(port, method, size, count) -> float:
    """Seconds for `count` requests, spread over the clients."""
    body = os.urandom(size)
    go, done = multiprocessing.Event(), multiprocessing.Queue()
    keys = [f"/bench/{size}/{n:06}" for n in range(count)]
    workers = [
        multiprocessing.Process(target=work, args=(port, method, keys[n::CLIENTS], body, go, done))
        for n in range(CLIENTS)
    ]
    for worker in workers:
        worker.start()
    time.sleep(0.3)
    began = time.perf_counter()
    go.set()
    for worker in workers:
        worker.join()
    took = time.perf_counter() - began
    if sum(done.get(timeout=5) for _ in workers) != count:
        raise RuntimeError("a client failed")
    return took


def one_server(started, port) -> dict:
    figures = {}
    with started as (process, _):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("PUT", "/bench", headers=SIGNED)
        connection.getresponse().read()
        for label, (size, count) in SIZES.items():
            for method in ("PUT", "GET"):
                seconds = measure(port, method, size, count)
                figures[f"{method} {label}"] = {
                    "requests_per_s": count / seconds,
                    "mb_per_s": count * size / seconds / 1e6,
                }
        figures["resident_mib"] = servers.resident_mib(process)
    return figures


def run(home, options):
    kinds = {
        "tenon": lambda port: servers.tenon(home / "tenon", port),
        "ministack": lambda port: servers.ministack(home, port, options.peer_python),
        "moto": lambda port: servers.moto(home, port, options.peer_python),
    }
    figures = {}
    for name, start in kinds.items():
        port = servers.free_port()
        figures[name] = one_server(start(port), port)
    for row in figures["tenon"]:
        if row == "resident_mib":
            continue
        unit = "requests_per_s" if "KB" in row else "mb_per_s"
        ours = figures["tenon"][row][unit]
        ratios = "   ".join(
            f"{name} {figures[name][row][unit]:,.0f} (tenon/{name} {ours / figures[name][row][unit]:.2f})"
            for name in figures
            if name != "tenon"
        )
        print(f"{row:10} {unit:15} tenon {ours:,.0f}   {ratios}")
    return figures
