"""What a training says on its way: losses.csv, TensorBoard scalars, a progress bar, and the time it took."""

import contextlib
import csv
import pathlib
import sys
import time
from collections.abc import Iterable

import tensorflow as tf
from tqdm import tqdm

from instance_seg.files import replacing


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


def event_files(folder: pathlib.Path) -> set[pathlib.Path]:
    """TensorBoard's files at and below a folder."""
    return set(folder.rglob("events.*"))


def require_whole_events(paths: Iterable[pathlib.Path]) -> None:
    """Reads event files, since TensorFlow swallows the errors of writing them. OSError naming one that is cut."""
    tf.summary.flush()
    for path in sorted(paths):
        try:
            for _ in tf.data.TFRecordDataset(str(path)):
                pass
        except tf.errors.OpError as error:
            raise OSError(f"{path} cannot be written; make room, and the same command goes on") from error


class SilentLog(contextlib.ExitStack):
    """Says nothing: the log of a worker that is not the chief."""

    def close_bar(self) -> None:
        """Nothing."""

    def write(self, step: int, terms: dict[str, float], scalars: dict[str, float]) -> None:
        """Nothing."""


class RunLog(contextlib.ExitStack):
    """Writes to the folder of a run, and is where tf.summary writes while it is entered.

    Args:
        logdir: the run's folder.
        name: in front of the progress bar.
        start, end: the steps already done, and all of them.
        scalars_every: steps between TensorBoard scalars.
    """

    def __init__(self, logdir: pathlib.Path, name: str, start: int, end: int, scalars_every: int):
        super().__init__()
        self.logdir, self.scalars_every = logdir, scalars_every
        self._bar_settings = {"total": end, "initial": start, "unit": "it", "desc": name}
        self._losses = LossLog(logdir / "losses.csv", start)

    def __enter__(self):
        writer = tf.summary.create_file_writer(str(self.logdir / "tensorboard"))
        self.enter_context(writer.as_default())
        self.enter_context(self._losses)
        self._bar = self.enter_context(tqdm(**self._bar_settings, dynamic_ncols=True, mininterval=1))
        self._bar.set_postfix_str("tracing the network")  # until the first step is done
        return self

    def close_bar(self) -> None:
        """Ends the progress bar, below which other text may follow. TensorBoard goes on."""
        self._bar.close()

    def write(self, step: int, terms: dict[str, float], scalars: dict[str, float]) -> None:
        """One step: the terms of the loss, "total" among them, and what else TensorBoard shows, the rate above all."""
        self._losses.write(step, terms)
        self._bar.update()
        self._bar.set_postfix(loss=f"{terms['total']:.3f}", lr=f"{scalars['learning_rate']:.1e}", refresh=False)
        if step % self.scalars_every == 0:
            for name, value in ({f"loss/{k}": v for k, v in terms.items()} | scalars).items():
                tf.summary.scalar(name, value, step=step)


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
        text = self.path.read_text(errors="replace")
        header, *rows = text.splitlines(keepends=True) or [""]
        try:
            if not header.startswith("step,"):
                raise ValueError
            return [header, *(r for r in rows if r.endswith("\n") and int(r.split(",")[0]) <= self.start)]
        except ValueError:
            aside = self.path.with_suffix(".damaged.csv")
            self.path.rename(aside)
            print(
                f"warning: {self.path} was damaged and is now {aside.name}; the losses go on in a new file",
                file=sys.stderr,
            )
            return []
