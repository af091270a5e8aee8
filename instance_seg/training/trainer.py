"""The training loop: updates, checkpoints, evaluations, stopping."""

import itertools
import math
import pathlib
import signal
from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf

from instance_seg.config import Config
from instance_seg.interrupt import StopSignal, say_stopped
from instance_seg.layers import common_decay
from instance_seg.schedule import SETTLED, last_phase_begins, learning_rate, statistics_decay, uses_batch_statistics
from instance_seg.systems.system import System
from instance_seg.training.checkpoint import Checkpoints, Progress
from instance_seg.training.checkpoint_files import CHECKPOINTS
from instance_seg.training.optimizers import make_optimizer
from instance_seg.training.precision import DynamicScale, make_loss_scale
from instance_seg.training.run_log import Clock, RunLog, SilentLog
from instance_seg.training.run_record import keep_record
from instance_seg.training.step import Step
from instance_seg.training.strategy import distribute, naming_lost_workers, of_all_workers, worker_index


class LossIsNotFinite(RuntimeError):
    """A term of the loss became NaN or infinite."""


class Trainer:
    """Trains one system in one folder; `run` may be interrupted and called again at any time.

    Every worker of a strategy runs the same program; the chief alone writes files and evaluates.

    Args:
        config: all settings.
        system: built in the scope of the strategy.
        description: of the system, for its checkpoints (checkpoint.describe_system).
        data: the data set's fingerprint.
        make_dataset: called as make_dataset(first step, parts, num_parts) -> tf.data.Dataset of one Batch per step and
            part from there on, without end, the same for the same step (see data.pipeline.training_dataset).
        settle: called before each save that an evaluation follows: measures what the system measures with its weights.
        evaluate: called as evaluate(Progress, final=bool) every test_every_iter and, with final=True, after the last
            step.
        strategy: what the steps run on.
    """

    def __init__(
        self,
        config: Config,
        system: System,
        description: Mapping[str, Any],
        data: Mapping[str, str],
        make_dataset: Callable,
        settle: Callable[[], None],
        evaluate: Callable,
        strategy: tf.distribute.Strategy,
    ):
        self.config, self.system, self.data, self.strategy = config, system, data, strategy
        self.make_dataset, self.settle, self.evaluate = make_dataset, settle, evaluate
        self.is_chief = worker_index(strategy) == 0
        self.logdir = pathlib.Path(config.run.logdir)
        with strategy.scope():
            variables = [v.value for v in system.trainable_variables]
            optimizer = make_optimizer(config.schedule, variables, system.rate_factors())
            self.loss_scale = make_loss_scale(config.engine.mixed_precision)
            self._decay = tf.Variable(0.0, trainable=False)
        if statistics_decay(0, config.schedule) is not None:
            common_decay(system, self._decay)
        self.step = Step(system, optimizer, self.loss_scale, not config.engine.sync_batch_norm)
        self.checkpoints = Checkpoints(
            self.logdir / CHECKPOINTS, system, optimizer, description, config.run.keep_ckpts, self.loss_scale
        )
        self._signature = [self._batches(0).element_spec, tf.TensorSpec([], tf.float32)]
        self._updates: dict[Any, Callable] = {}

    def run(self) -> int:
        """Trains up to max_iter from the newest checkpoint (or --ckpt, or scratch); returns the exit code."""
        start = self._start()
        end = self.config.schedule.max_iter
        log = SilentLog()
        if self.is_chief:
            name = self.system.task.subset or self.system.task.dataset
            log = RunLog(self.logdir, name, start.step, end, self.config.run.log_every_iter)
        with naming_lost_workers(self.strategy), StopSignal() as stop, log:
            done = self._loop(start, end, log, stop)
            log.close_bar()
            evaluated = done.step == end and self._evaluate(done, stop, final=True)
            # The chief's word counts, and whoever leaves before the chief is done would be missed.
            number = of_all_workers(self.strategy, 0 if evaluated else stop.received or 0)[0]
        if not number:
            return 0
        where = (
            "during the evaluation, the training is finished" if done.step == end else f"after {done.step} iterations"
        )
        say_stopped(number, f"stopped {where}; the same command continues")
        return 128 + number

    def _start(self) -> Progress:
        start, end = self.checkpoints.resume(), self.config.schedule.max_iter
        if start.step > end:
            raise ValueError(
                f"{self.checkpoints.latest} has {start.step} iterations, more than --max_iter={end}: give {start.step} "
                "or more, or measure it by `python -m instance_seg.evaluate`"
            )
        begins = last_phase_begins(self.config.schedule)
        if self.system.last_phase and begins < SETTLED and not self.config.run.ckpt:
            raise ValueError(
                f"the phase {self.system.last_phase!r}, in which moving statistics rest, would begin after {begins} "
                f"iterations, and they take {SETTLED} to settle: raise --max_iter or --last_phase_at, or give a --ckpt"
            )
        steps = of_all_workers(self.strategy, start.step)
        if len(set(steps)) > 1:
            raise ValueError(
                f"--logdir={self.logdir}: the workers start from steps {steps}; they must share the folder"
            )
        if self.is_chief:
            keep_record(self.logdir, self.config, self.data, start.step)
        if start.step:
            print(f"resuming after {start.step} iterations from {self.logdir}")
        elif self.config.run.ckpt:
            self.checkpoints.restore_weights(self.config.run.ckpt, complete=False)
            print(f"starting from the weights of {self.config.run.ckpt}")
        return start

    def _batches(self, first: int):
        return distribute(self.strategy, lambda *parts: self.make_dataset(first, *parts))

    def _loop(self, start: Progress, end: int, log: RunLog | SilentLog, stop: StopSignal) -> Progress:
        clock = Clock(start.seconds)
        step = first = start.step
        for step, batch in enumerate(itertools.islice(self._batches(first), end - first), first + 1):
            rate = learning_rate(step - 1, self.config.schedule)
            self._decay.assign(statistics_decay(step - 1, self.config.schedule) or 0.0)
            losses, outcome = self._update_of(step - 1)(batch, rate)
            terms = {name: float(value) for name, value in losses.items()}
            self._require_finite(terms, outcome, step)
            scaled = isinstance(self.loss_scale, DynamicScale)
            log.write(step, terms, {"learning_rate": rate} | ({"loss_scale": float(outcome.scale)} if scaled else {}))
            stopping = self._asked_to_stop(stop)  # once a step: a signal between saving and leaving must not lose it
            self._milestones(Progress(step, clock.seconds), end, clock, stop, stopping)
            if stopping:
                break
        done = Progress(step, clock.seconds)
        if first == end and self.system.settled_on:  # a signal may have ended the settling at the end of the training
            self._milestones(done, end, clock, stop, stopping=False)
        return done

    def _update_of(self, step: int) -> Callable:
        """The compiled update for the kind of this step."""
        kind = self.system.phase(step), uses_batch_statistics(step, self.config.schedule)
        if self.system.last_phase and step >= last_phase_begins(self.config.schedule):
            kind = self.system.last_phase, False
        if kind not in self._updates:

            def update(batch, rate):
                results = self.strategy.run(self.step.update, (batch, rate, *kind))
                return self.strategy.experimental_local_results(results)[0]  # the same in all of them

            self._updates[kind] = tf.function(update, input_signature=self._signature)
        return self._updates[kind]

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

    def _asked_to_stop(self, stop) -> bool:
        """Whether a signal has reached this worker or another: all of them leave after the same step."""
        number = max(of_all_workers(self.strategy, stop.received or 0))
        stop.received = stop.received or (signal.Signals(number) if number else None)
        return bool(number)

    def _evaluate(self, done: Progress, stop, final) -> bool:
        """Evaluates, on the chief, unless a signal has come or ends it; whether it was done."""
        if self.is_chief:
            with stop.at_once():
                if not stop.received:
                    self.evaluate(done, final=final)
        return not stop.received

    def _milestones(self, done: Progress, end, clock, stop, stopping):
        if not self.is_chief:
            return
        run = self.config.run
        due = [every and done.step % every == 0 for every in (run.test_every_iter, run.ckpt_every_iter)]
        if (due[0] or done.step == end) and not stopping:
            with clock.paused(), stop.at_once():
                self.settle()
        if any(due) or done.step == end or stopping:
            self.checkpoints.save(done)
        if due[0] and done.step < end and not stopping:
            with clock.paused():
                self._evaluate(done, stop, final=False)
