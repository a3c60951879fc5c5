"""Prometheus, which finds the pods by their annotations."""

import json
import shutil
from pathlib import Path

from cluster.ports import free_port
from cluster.programs import Program, Supervision
from cluster.web import answers


class Prometheus:
    """A Prometheus that can fail: stopped and started on the same port, with its storage or without."""

    def __init__(self, supervision: Supervision, binary: Path, folder: Path, *, kubeconfig: Path, scrape_interval_s: float) -> None:
        self._binary = binary
        self._storage = folder / "prometheus"
        self._configuration = folder / "prometheus.json"
        self._configuration.write_text(json.dumps(configuration(kubeconfig=kubeconfig, scrape_interval_s=scrape_interval_s)))
        self._relocate()
        self.program = Program(
            supervision=supervision, name="prometheus", folder=folder, argv=self._argv, relocate=self._relocate,
            ready=lambda: answers(f"{self.url}/-/ready"),
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self._port}"

    def start(self, *, empty: bool = False) -> None:
        """Start it again and wait until it serves; *empty* forgets all that was scraped."""
        if empty:
            shutil.rmtree(self._storage, ignore_errors=True)
        self.program.start()

    def stop(self) -> None:
        """End it in good order; its storage stays."""
        self.program.stop()

    def pause(self) -> None:
        """Let it hang: it accepts connections and never answers."""
        self.program.pause()

    def resume(self) -> None:
        """Let it go on."""
        self.program.resume()

    def _relocate(self) -> None:
        self._port = free_port()

    def _argv(self) -> list[str | Path]:
        return [
            self._binary, f"--config.file={self._configuration}", f"--storage.tsdb.path={self._storage}",
            f"--web.listen-address=127.0.0.1:{self._port}", "--log.level=warn",
        ]  # fmt: skip


def configuration(*, kubeconfig: Path, scrape_interval_s: float) -> dict[str, object]:
    """
    One job for all annotated pods, as JSON, which is YAML too.

    Pod discovery yields one target a declared port; they carry no container label, so that those of one pod, sent to the one
    annotated port, are equal and scraped once.
    """
    annotation = "__meta_kubernetes_pod_annotation_prometheus_io_"
    interval = f"{round(scrape_interval_s * 1000)}ms"
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval},
        "scrape_configs": [{
            "job_name": "kubernetes-pods",
            "kubernetes_sd_configs": [{"role": "pod", "kubeconfig_file": str(kubeconfig)}],
            "relabel_configs": [
                {"source_labels": [f"{annotation}scrape"], "regex": "true", "action": "keep"},
                {"source_labels": ["__meta_kubernetes_pod_phase"], "regex": "Pending|Succeeded|Failed", "action": "drop"},
                {"source_labels": [f"{annotation}path"], "regex": "(.+)", "target_label": "__metrics_path__"},
                {
                    "source_labels": ["__meta_kubernetes_pod_ip", f"{annotation}port"], "separator": ":",
                    "regex": r"(.+):(\d+)", "replacement": "$1:$2", "target_label": "__address__",
                },
                {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
                {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
                {"source_labels": ["__meta_kubernetes_pod_node_name"], "target_label": "node"},
            ],
        }],
    }  # fmt: skip
