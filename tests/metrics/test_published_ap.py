"""PartNet's own script on made-up predictions, run under NumPy 1 and NumPy 2, gives what evaluate_official gives."""

from pathlib import Path

import numpy as np
import pytest

from instance_seg.metrics.partnet import AP_NAMES, MaskShape, evaluate_official

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "partnet_official_ap.npz")
CASES = sorted({name.split("_")[0] for name in GOLDEN.files})
# Arithmetic, suffix of its arrays, tolerance: under NumPy 2 the script sums 101 precisions in float32.
BOTH = [("float32", "", 1e-7), ("float64", "_np2", 2e-6)]


class Case:
    """The arrays of one test set."""

    def __init__(self, name):
        self.name, self.has_ties = name, bool(GOLDEN[f"{name}_ties"])

    def __getitem__(self, key):
        return GOLDEN[f"{self.name}_{key}"]

    def shapes(self):
        masks, gt_masks, others = (self._unpacked(f"{key}_bits") for key in ("mask", "gt_mask", "gt_other"))
        rest = zip(self["label"], self["valid"], self["conf"], gt_masks, self["gt_label"], self["gt_valid"], others)
        return [MaskShape(mask, *arrays) for mask, arrays in zip(masks, rest)]

    def measure(self, arithmetic):
        names = ["other", *map(str, range(len(self["npos"])))]
        return evaluate_official(self.shapes(), names, arithmetic)

    def _unpacked(self, key):
        return np.unpackbits(self[key], axis=-1)[..., : int(self["points"])].astype(bool)


def test_there_are_cases():
    assert len(CASES) == 5 and any(not Case(name).has_ties for name in CASES)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("arithmetic, suffix, tolerance", BOTH)
def test_average_precision_is_the_scripts(name, arithmetic, suffix, tolerance):
    case = Case(name)
    if case.has_ties:
        pytest.skip("the script leaves the order of equal confidences to an unstable sort")
    metrics = case.measure(arithmetic)
    for row, threshold in enumerate(AP_NAMES):
        expected = {str(k): case[f"ap{suffix}"][row, k] for k in np.flatnonzero(case["ap_valid"])}
        found = {part: entry[threshold] / 100 for part, entry in metrics.per_part.items()}
        assert found == pytest.approx(expected, abs=tolerance)
        assert getattr(metrics, threshold) / 100 == pytest.approx(case[f"mean_ap{suffix}"][row], abs=tolerance)
    assert metrics.sAP50 / 100 == pytest.approx(float(case[f"mean_shape_ap{suffix}"]), abs=tolerance)
    assert [entry["instances"] for entry in metrics.per_part.values()] == case["npos"][case["ap_valid"]].tolist()


def test_the_cases_tell_the_arithmetics_apart():
    differences = [np.abs(Case(name)["ap"] - Case(name)["ap_np2"])[:, Case(name)["ap_valid"]].max() for name in CASES]
    assert max(differences) > 0.004
