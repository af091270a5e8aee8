"""Two worker processes on this machine: as one process, stopped by a signal, killed, started again."""

import json
import os
import signal
import socket
import subprocess

import numpy as np
import pytest
from training.small_runs import command, losses, settings, wait_for

from instance_seg.evaluation.results import read_results
from instance_seg.experiment import train
from instance_seg.presets import load_config

pytestmark = pytest.mark.slow

RUN = {
    "head_hidden": 1,
    "train_batch_size": 4,
    "max_iter": 36,
    "ckpt_every_iter": 3,
    "keep_ckpts": 100,
    "learning_rate": 0.0005,
    "picture_shapes": 0,
}
PATIENCE = 240  # seconds; what takes longer hangs


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for s in sockets:
        s.bind(("localhost", 0))
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Workers:
    """Two workers with the same settings; they are ended when the block is left."""

    def __init__(self, flags):
        hosts = [f"localhost:{port}" for port in free_ports(2)]
        self.processes = [self._start(flags, hosts, i) for i in range(2)]

    @staticmethod
    def _start(flags, hosts, index):
        config = {"cluster": {"worker": hosts}, "task": {"type": "worker", "index": index}}
        env = os.environ | {"TF_CONFIG": json.dumps(config)}
        return subprocess.Popen(
            command(flags), env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace"
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()

    def wait_until_step(self, logdir, step):
        wait_for(
            lambda: (logdir / "losses.csv").is_file() and max(losses(logdir), default=0) >= step, self.processes[0]
        )

    def finish(self):
        """Exit codes, standard outputs, standard errors."""
        told = [process.communicate(timeout=PATIENCE) for process in self.processes]
        return [p.returncode for p in self.processes], [out for out, _ in told], [err for _, err in told]


def test_two_workers_train_as_one_process_through_signals_and_deaths(small_partnet, tmp_path):
    alone, together = tmp_path / "alone", tmp_path / "together"
    flags = settings(small_partnet, together, **RUN, strategy="multi_worker")

    with Workers(flags) as workers:  # a signal to one of them stops both after the same step
        workers.wait_until_step(together, 3)
        workers.processes[1].send_signal(signal.SIGTERM)
        codes, _, errors = workers.finish()
    stopped = max(losses(together))
    assert codes == [128 + signal.SIGTERM] * 2, errors
    assert [f"stopped after {stopped} iterations" in error for error in errors] == [True, True]
    assert (together / "checkpoints" / f"iter-{stopped}.index").is_file() and stopped < 26

    with Workers(flags) as workers:  # the chief outlives the other, and says so
        workers.wait_until_step(together, stopped + 3)
        workers.processes[1].kill()
        codes, _, errors = workers.finish()
    killed = max(losses(together))
    assert codes == [1, -signal.SIGKILL]
    assert "error: another worker is gone or cannot be reached; start all workers again" in errors[0]
    assert stopped < killed < 36

    with Workers(flags) as workers:
        codes, outputs, errors = workers.finish()
    assert codes == [0, 0], errors
    assert ["resuming after" in output for output in outputs] == [True, True]
    assert ["with region centers" in output for output in outputs] == [True, False]  # the chief alone evaluates
    assert read_results(together / "results.json")["run"]["iterations"] == 36

    assert train(load_config("paper", settings(small_partnet, alone, **RUN))) == 0
    want, got = losses(alone), losses(together)
    assert list(got) == list(want) == list(range(1, 37))
    np.testing.assert_allclose(list(got.values()), list(want.values()), rtol=2e-3)  # rounding grows
    np.testing.assert_allclose(list(got.values())[:10], list(want.values())[:10], rtol=1e-5)
    assert sorted(p.name for p in together.iterdir()) == sorted(p.name for p in alone.iterdir())
