"""The training loop: forward, losses, backward, momentum; logging, checkpoints, stopping."""

import contextlib
import csv
import math
import pathlib
import sys
import time
from collections.abc import Callable

import tensorflow as tf
from tqdm import tqdm

from instance_seg.config import Config
from instance_seg.files import replacing
from instance_seg.losses.segmentation import segmentation_losses, weight_decay
from instance_seg.schedule import Momentum, learning_rate
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_network
from instance_seg.training.interrupt import StopSignal


class LossIsNotFinite(RuntimeError):
    """A term of the loss became NaN or infinite."""


def apply_network(model, batch, training: bool):
    """The network on a pipeline batch -> one LevelPrediction per level."""
    return model(batch.points, batch.octree, batch.index, batch.weight, training=training)


class Trainer:
    """Trains one network in one folder; `run` may be interrupted and called again at any time.

    Args:
        config: all settings.
        model: the network; it is built here on the first batch.
        make_dataset: first step -> tf.data.Dataset of one Batch per step from there on, the same for the same step.
        evaluate: called as evaluate(step, final=bool) every test_every_iter and, with final=True, after the last step.
    """

    def __init__(self, config: Config, model, make_dataset: Callable, evaluate: Callable):
        self.config, self.model = config, model
        self.make_dataset, self.evaluate = make_dataset, evaluate
        self.logdir = pathlib.Path(config.run.logdir)
        dataset = make_dataset(0)
        apply_network(model, next(iter(dataset)), training=False)  # creates every variable
        self.variables = [v.value for v in model.trainable_variables]  # TensorFlow's own, inside Keras'
        self.optimizer = Momentum(self.variables, config.schedule.momentum)
        description = describe_network(config.data.category, config.network, model.num_classes, config.data.level)
        self.checkpoints = Checkpoints(
            self.logdir / "checkpoints", model, self.optimizer, description, config.run.keep_ckpts
        )
        signature = [dataset.element_spec, tf.TensorSpec([], tf.float32)]
        self._step = tf.function(self._update, input_signature=signature)

    def run(self) -> int:
        """Trains up to max_iter from the newest checkpoint (or --ckpt, or scratch); returns the exit code."""
        start = self._start()
        end = self.config.schedule.max_iter
        log = LossLog(self.logdir / "losses.csv", start.step)
        writer = tf.summary.create_file_writer(str(self.logdir / "tensorboard"))
        with StopSignal() as stop, writer.as_default(), log:
            step = self._loop(start, end, log, stop)
            if step == end:
                self.evaluate(end, final=True)
                return 0
        print(f"{stop.received.name}: stopped after {step} iterations; the same command continues", file=sys.stderr)
        return stop.exit_code

    def _start(self) -> Progress:
        start = self.checkpoints.resume()
        if start.step:
            print(f"resuming from {self.checkpoints.latest}")
        elif self.config.run.ckpt:
            self.checkpoints.restore_weights(self.config.run.ckpt)
            print(f"starting from the weights of {self.config.run.ckpt}")
        return start

    def _loop(self, start, end, log, stop) -> int:
        clock = Clock(start.seconds)
        step = first = start.step
        name = self.config.data.category
        with tqdm(total=end, initial=first, unit="it", desc=name, dynamic_ncols=True, mininterval=1) as bar:
            for step, batch in enumerate(self.make_dataset(first).take(end - first), first + 1):
                rate = learning_rate(step - 1, self.config.schedule)
                terms = {k: float(v) for k, v in self._step(batch, rate).items()}
                self._require_finite(terms, step)
                log.write(step, terms)
                self._report(step, terms, rate, bar)
                stopping = stop.received  # read once: a signal between saving and leaving must not lose the step
                self._milestones(step, end, clock, stopping)
                if stopping:
                    break
        return step

    def _update(self, batch, rate):
        with tf.GradientTape() as tape:
            predictions = apply_network(self.model, batch, training=True)
            terms = segmentation_losses(predictions, batch.labels, batch.points, self.config.loss)
            terms["weight_decay"] = weight_decay(self.variables, self.config.loss.weight_decay)
            total = tf.add_n(list(terms.values()))
        gradients = tape.gradient(total, self.variables)
        self.optimizer.apply(gradients, self.variables, rate)
        return {"total": total, **terms}

    def _require_finite(self, terms, step):
        bad = [name for name, value in terms.items() if not math.isfinite(value) and name != "total"]
        if bad or not math.isfinite(terms["total"]):
            last = self.checkpoints.latest or "none yet"
            raise LossIsNotFinite(
                f"the loss term {', '.join(bad) or 'total'} is not finite at iteration {step}; last good checkpoint: "
                f"{last}. A lower --learning_rate or a --warmup_iter may help."
            )

    def _report(self, step, terms, rate, bar):
        bar.update()
        bar.set_postfix(loss=f"{terms['total']:.3f}", lr=f"{rate:.1e}", refresh=False)
        if step % self.config.run.log_every_iter == 0:
            for name, value in terms.items():
                tf.summary.scalar(f"loss/{name}", value, step=step)
            tf.summary.scalar("learning_rate", rate, step=step)

    def _milestones(self, step, end, clock, stopping):
        run = self.config.run
        due = [every and step % every == 0 for every in (run.test_every_iter, run.ckpt_every_iter)]
        if any(due) or step == end or stopping:
            self.checkpoints.save(Progress(step, clock.seconds))
        if due[0] and step < end and not stopping:
            with clock.paused():
                self.evaluate(step, final=False)


class Clock:
    """Seconds spent training, over all sessions of a run."""

    def __init__(self, seconds: float):
        self._begin = time.monotonic() - seconds

    @property
    def seconds(self) -> float:
        """Up to now."""
        return time.monotonic() - self._begin

    @contextlib.contextmanager
    def paused(self):
        """What happens inside does not count."""
        begin = time.monotonic()
        yield
        self._begin += time.monotonic() - begin


class LossLog:
    """losses.csv: every term of every step; a resumed run drops the rows it is going to write again."""

    def __init__(self, path: pathlib.Path, start: int):
        self.path, self.start = path, start
        self._file = self._writer = None

    def __enter__(self):
        rows = self._rows_before_start()
        with replacing(self.path) as temporary:
            temporary.write_text("".join(rows))
        self._file = self.path.open("a", newline="")
        return self

    def __exit__(self, *_):
        self._file.close()

    def write(self, step: int, terms: dict[str, float]) -> None:
        """Appends one row and hands it to the operating system."""
        if self._writer is None:
            self._writer = csv.DictWriter(self._file, ["step", *terms], lineterminator="\n")
            if self._file.tell() == 0:
                self._writer.writeheader()
        self._writer.writerow({"step": step, **{k: repr(v) for k, v in terms.items()}})
        self._file.flush()

    def _rows_before_start(self):
        if not self.start or not self.path.is_file():
            return []
        header, *rows = self.path.read_text().splitlines(keepends=True)
        return [header, *(r for r in rows if r.endswith("\n") and int(r.split(",")[0]) <= self.start)]
