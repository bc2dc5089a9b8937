"""Start to first answered request, and memory when idle."""

import statistics
import time

import servers

RUNS = 10


def run(home, options):
    seconds, idle = [], []
    for turn in range(RUNS):
        with servers.tenon(home / str(turn), servers.free_port()) as (process, took):
            seconds.append(took)
            time.sleep(1)  # let start-up work settle before looking at memory
            idle.append(servers.resident_mib(process))
    figures = {"start_ms": statistics.median(seconds) * 1_000, "idle_mib": statistics.median(idle)}
    print(f"start to first answer  {figures['start_ms']:.0f} ms   (median of {RUNS}, fresh data folder)")
    print(f"idle memory            {figures['idle_mib']:.0f} MiB")
    return figures
