"""What lies among finished runs, and their results copied into a folder that is small enough for the repository."""

from pathlib import Path

from instance_seg.evaluation.results import FILE_NAME, read_results, write_results

FIGURES = "figures"  # a folder of pictures for each pair of networks


def collect(runs: Path, kept: Path, force: bool = False) -> list[Path]:
    """Copies what is new; returns the files written, none if all were there.

    Raises ValueError if a file is malformed, or there are other results in its place and `force` is not set. Nothing is
    written then.
    """
    pending = {}
    for source in sorted(runs.rglob(FILE_NAME)):
        folder = kept / source.parent.relative_to(runs)
        results, there = read_results(source), folder / FILE_NAME
        if not there.exists():
            pending[folder] = results
        elif read_results(there) != results:
            if not force:
                raise ValueError(f"{there} holds other results than {source}; --force replaces them")
            pending[folder] = results
    return [write_results(folder, results) for folder, results in pending.items()]
