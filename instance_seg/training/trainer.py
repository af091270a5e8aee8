"""The training loop: forward, losses, backward, momentum; checkpoints, evaluations, stopping."""

import functools
import itertools
import math
import pathlib
import signal
from collections.abc import Callable

import tensorflow as tf

from instance_seg.config import Config
from instance_seg.interrupt import StopSignal, say_stopped
from instance_seg.losses.segmentation import segmentation_losses, weight_decay
from instance_seg.replicas import average_here, sums_over_replicas
from instance_seg.schedule import Momentum, learning_rate, uses_batch_statistics
from instance_seg.training.checkpoint import Checkpoints, Progress, describe_network
from instance_seg.training.checkpoint_files import CHECKPOINTS
from instance_seg.training.precision import DynamicScale, make_loss_scale
from instance_seg.training.run_log import Clock, RunLog, SilentLog
from instance_seg.training.run_record import keep_record
from instance_seg.training.strategy import distribute, naming_lost_workers, of_all_workers, worker_index


class LossIsNotFinite(RuntimeError):
    """A term of the loss became NaN or infinite."""


def apply_network(model, batch, training: bool):
    """The network on a pipeline batch -> one LevelPrediction per level."""
    return model(batch.points, batch.octree, batch.index, batch.weight, training=training)


class Trainer:
    """Trains one network in one folder; `run` may be interrupted and called again at any time.

    Every worker of a strategy runs the same program; the chief alone writes files and evaluates.

    Args:
        config: all settings.
        model: the network, built in the scope of the strategy.
        make_dataset: called as make_dataset(first step, parts, num_parts) -> tf.data.Dataset of one Batch per step and
            part from there on, without end, the same for the same step (see data.pipeline.training_dataset).
        evaluate: called as evaluate(step, final=bool) every test_every_iter and, with final=True, after the last step.
        strategy: what the steps run on.
    """

    def __init__(
        self, config: Config, model, make_dataset: Callable, evaluate: Callable, strategy: tf.distribute.Strategy
    ):
        self.config, self.model, self.strategy = config, model, strategy
        self.make_dataset, self.evaluate = make_dataset, evaluate
        self.is_chief = worker_index(strategy) == 0
        self.logdir = pathlib.Path(config.run.logdir)
        self.variables = [v.value for v in model.trainable_variables]  # TensorFlow's own, inside Keras'
        with strategy.scope():
            self.optimizer = Momentum(self.variables, config.schedule.momentum)
            self.loss_scale = make_loss_scale(config.engine.mixed_precision)
        description = describe_network(config.data.category, config.network, model.num_classes, config.data.level)
        self.checkpoints = Checkpoints(
            self.logdir / CHECKPOINTS, model, self.optimizer, description, config.run.keep_ckpts, self.loss_scale
        )
        signature = [self._batches(0).element_spec, tf.TensorSpec([], tf.float32)]
        self._steps = {
            batch_statistics: tf.function(
                functools.partial(self._update_replicas, batch_statistics=batch_statistics), input_signature=signature
            )
            for batch_statistics in (True, False)
        }

    def run(self) -> int:
        """Trains up to max_iter from the newest checkpoint (or --ckpt, or scratch); returns the exit code."""
        start = self._start()
        end = self.config.schedule.max_iter
        with naming_lost_workers(self.strategy), StopSignal() as stop, self._log(start.step, end) as log:
            step = self._loop(start, end, log, stop)
            log.close_bar()
            evaluated = step == end and self._evaluate(step, stop, final=True)
            # The chief's word counts, and whoever leaves before the chief is done would be missed.
            number = of_all_workers(self.strategy, 0 if evaluated else stop.received or 0)[0]
        if not number:
            return 0
        where = "during the evaluation, the training is finished" if step == end else f"after {step} iterations"
        say_stopped(number, f"stopped {where}; the same command continues")
        return 128 + number

    def _start(self) -> Progress:
        start, end = self.checkpoints.resume(), self.config.schedule.max_iter
        if start.step > end:
            raise ValueError(
                f"{self.checkpoints.latest} has {start.step} iterations, more than --max_iter={end}: give {start.step} "
                "or more, or measure it by `python -m instance_seg.evaluate`"
            )
        steps = of_all_workers(self.strategy, start.step)
        if len(set(steps)) > 1:
            raise ValueError(
                f"--logdir={self.logdir}: the workers start from steps {steps}; they must share the folder"
            )
        if self.is_chief:
            keep_record(self.logdir, self.config, start.step)
        if start.step:
            print(f"resuming after {start.step} iterations from {self.logdir}")
        elif self.config.run.ckpt:
            self.checkpoints.restore_weights(self.config.run.ckpt)
            print(f"starting from the weights of {self.config.run.ckpt}")
        return start

    def _log(self, start: int, end: int) -> RunLog | SilentLog:
        if not self.is_chief:
            return SilentLog()
        return RunLog(self.logdir, self.config.data.category, start, end, self.config.run.log_every_iter)

    def _batches(self, first: int):
        return distribute(self.strategy, lambda *parts: self.make_dataset(first, *parts))

    def _loop(self, start, end, log, stop) -> int:
        clock = Clock(start.seconds)
        step = first = start.step
        for step, batch in enumerate(itertools.islice(self._batches(first), end - first), first + 1):
            rate = learning_rate(step - 1, self.config.schedule)
            losses, outcome = self._steps[uses_batch_statistics(step - 1, self.config.schedule)](batch, rate)
            terms = {name: float(value) for name, value in losses.items()}
            self._require_finite(terms, outcome, step)
            log.write(step, terms, {"learning_rate": rate} | self._scale_of(outcome))
            stopping = self._asked_to_stop(stop)  # once a step: a signal between saving and leaving must not lose it
            self._milestones(step, end, clock, stop, stopping)
            if stopping:
                break
        return step

    def _update_replicas(self, batch, rate, batch_statistics):
        results = self.strategy.run(self._update, (batch, rate, batch_statistics))
        return self.strategy.experimental_local_results(results)[0]  # the same in all of them

    def _update(self, batch, rate, batch_statistics):
        """One replica's part of a step: its batch, the rate -> the terms of the global loss, the Outcome."""
        with tf.GradientTape() as tape:
            predictions = apply_network(self.model, batch, training=batch_statistics)
            terms = segmentation_losses(predictions, batch.labels, batch.points, self.config.loss)
            terms["weight_decay"] = weight_decay(self.variables, self.config.loss.weight_decay)
            total = tf.add_n(list(terms.values()))
            scaled = self.loss_scale.scaled(total)
        gradients = tape.gradient(scaled, self.variables)
        losses, *gradients = sums_over_replicas([tf.stack([total, *terms.values()]), *gradients])
        outcome = self.loss_scale.apply(losses, gradients, lambda g: self.optimizer.apply(g, self.variables, rate))
        if not self.config.engine.sync_batch_norm:
            average_here(self.model.non_trainable_variables)  # each replica has moved its copy of the moving statistics
        return dict(zip(["total", *terms], tf.unstack(losses))), outcome

    def _require_finite(self, terms, outcome, step):
        bad = [name for name, value in terms.items() if not math.isfinite(value)]
        if not bad and outcome.applied:
            return
        if outcome.scale > DynamicScale.SMALLEST:
            return  # the step was left out, and the next one has a smaller scale
        what = f"the loss term {', '.join(bad[1:] or bad)}" if bad else "the gradient"
        last = self.checkpoints.latest or "none yet"
        raise LossIsNotFinite(
            f"{what} is not finite at iteration {step}; last good checkpoint: {last}. A lower --learning_rate or a "
            "--warmup_iter may help."
        )

    def _scale_of(self, outcome) -> dict[str, float]:
        scaled = isinstance(self.loss_scale, DynamicScale)
        return {"loss_scale": float(outcome.scale)} if scaled else {}

    def _asked_to_stop(self, stop) -> bool:
        """Whether a signal has reached this worker or another: all of them leave after the same step."""
        number = max(of_all_workers(self.strategy, stop.received or 0))
        stop.received = stop.received or (signal.Signals(number) if number else None)
        return bool(number)

    def _evaluate(self, step, stop, final) -> bool:
        """Evaluates, on the chief, unless a signal has come or ends it; whether it was done."""
        if self.is_chief:
            with stop.at_once():
                if not stop.received:
                    self.evaluate(step, final=final)
        return not stop.received

    def _milestones(self, step, end, clock, stop, stopping):
        if not self.is_chief:
            return
        run = self.config.run
        due = [every and step % every == 0 for every in (run.test_every_iter, run.ckpt_every_iter)]
        if any(due) or step == end or stopping:
            self.checkpoints.save(Progress(step, clock.seconds))
        if due[0] and step < end and not stopping:
            with clock.paused():
                self._evaluate(step, stop, final=False)
