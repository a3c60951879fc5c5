"""What the worker processes of a pod use, and how they are set up."""

from apituner.fastapi.measures.tallies import Tallies


class WorkerSignals:
    """The metrics of worker processes and of the container that they share."""

    def __init__(self, tallies: Tallies) -> None:
        most = tallies.most_gauge
        self.cpu = tallies.counter("process_cpu_time_seconds_total", "CPU time of all threads of all workers.")
        self.cpu_max = most("apituning_worker_cpu_max_ratio", "CPU cores that the busiest worker used, over about 15 s.")
        self.loop_cpu_max = most("apituning_worker_loop_cpu_max_ratio", "CPU share of the busiest event loop, over about 15 s.")
        self.memory = most(
            "apituning_worker_resident_memory_bytes",
            "Resident memory by worker; the number is a place, which a successor takes.",
            ("worker",),
        )
        self.cgroup_periods = tallies.counter("apituning_cgroup_periods_total", "Periods of the container's CPU limit.")
        self.cgroup_throttled_periods = tallies.counter(
            "apituning_cgroup_throttled_periods_total", "Periods in which the container was held back at its CPU limit."
        )
        self.cgroup_throttled = tallies.counter(
            "apituning_cgroup_throttled_seconds_total", "Time for which the container was held back at its CPU limit."
        )
        self.workers = tallies.sum_gauge("apituning_workers", "Worker processes alive.")
        self.setting = most(
            "apituning_effective_setting", "A setting as the process sees it, whatever was configured.", ("setting", "pool")
        )
        self.build = most("apituning_build_info", "Always 1.", ("version", "server", "loop"))
        self.complete = tallies.least_gauge(
            "apituning_metrics_complete", "1 where these metrics cover all worker processes; 0 where there are others that they miss."
        )
        self.threads = tallies.sum_gauge(
            "apituning_threadpool_tokens", "Threads for handlers written with def: in total, and borrowed.", ("state",)
        )
        self.log_dropped = tallies.counter(
            "apituning_access_log_dropped_total", "Lines of the access log that were lost, as nobody read the standard output."
        )
        self.threads_waiting = tallies.sum_gauge("apituning_threadpool_waiting", "Handlers written with def that wait for a thread.")
