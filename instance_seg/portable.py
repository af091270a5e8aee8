"""Segments clouds without TensorFlow: NumPy and the kernels, on a CPU.

For the paper's network on PartNet (`semantic_assisted` over an octree U-Net), from a folder of weights that
tools/export.py made. It finds what `segmenter.CloudSegmenter` finds, up to rounding.
"""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from instance_seg.clustering.across import beginning_with, chosen_reading, stored_readings
from instance_seg.clustering.instances import segment_clouds
from instance_seg.data import DATA_SETS
from instance_seg.fusion import source_levels
from instance_seg.registry import load
from instance_seg.structures import LevelReadout, Points, Segmented
from instance_seg.training.checkpoint_files import described_config
from instance_seg.training.weights_folder import NETWORK, WEIGHTS, is_weights_folder, read_folder_weights
from ocnn_tf_ops.python.arrays import octree_build, octree_conv, octree_interpolation_table, weighted_gather
from ocnn_tf_ops.python.structure import Octree

EPSILON, LEAKY, RELU = 1e-3, 0.1, 0.0  # of the normalization and activations in instance_seg.layers
KNOWN = "semantic_assisted over octree_unet on partnet"


def obstacle(folder: str, settings: Mapping[str, Any]) -> str:
    """Why PortableSegmenter cannot have the network of a folder with these settings, and the remedy; "" if it can."""
    if not is_weights_folder(folder):
        return f"--run={folder}: without TensorFlow a folder of weights is needed; tools/export.py makes one of a run"
    config = described_config(folder, settings)
    network = config.network
    kind = f"{config.system} over {network.backbone} on {config.data_set}"
    if kind != KNOWN or network.semantic_path != "none":
        return (
            f"--run={folder}: without TensorFlow there is {KNOWN} alone, with semantic_path=none; this is {kind}. "
            "Install TensorFlow, and leave out --numpy"
        )
    if (copies := network.copies.test_copies) > 1:
        return (
            f"--test_copies={copies}: without TensorFlow a network sees a cloud once; give --test_copies=1, or "
            "install TensorFlow"
        )
    return ""


class PortableSegmenter:
    """Segments point clouds of one's own by the network of a folder of weights, which is loaded once.

    Args:
        folder: of weights.
        settings: of the system, in place of those the folder says.
        reading: as chosen_reading (clustering/across.py) takes it, of that of the settings and those in the folder.

    Raises:
        ValueError: no folder of weights, or of another kind of network, or a reading.
    """

    def __init__(self, folder: str, settings: Mapping[str, Any], reading: str = ""):
        if reason := obstacle(folder, settings):
            raise ValueError(reason)
        config = described_config(folder, settings)
        network = config.network
        self._data_set = load(DATA_SETS, "data_set", config.data_set)(config.source)
        self.task, self._settings = self._data_set.task(), network
        stored = stored_readings(pathlib.Path(folder), network.grouping, self.task)
        readings = beginning_with(network.order.first_reading, {"the run's own": network.grouping, **stored})
        self._reading = chosen_reading(readings, reading, settings)
        self._weights = read_folder_weights(folder)

    def __call__(
        self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None
    ) -> tuple[Segmented, ...]:
        """One Segmented per level: points [N, 3], any position and scale, y up; normals [N, 3] float32, y up."""
        cloud = self._data_set.foreign(points, normals, colors)
        batch = Points(cloud.xyz, cloud.features, np.array([0, len(points)], np.int32))
        try:
            readout = self._readout(batch)
        except KeyError as error:
            raise ValueError(f"{WEIGHTS} has no {error}, which the network of {NETWORK} needs") from error
        (levels,) = segment_clouds(readout, batch, self.task, self._reading)
        return levels

    def _readout(self, points: Points) -> list[LevelReadout]:
        s, levels = self._settings, range(len(self.task.levels))
        semantic, instance = self._features(points)
        logits = [self._semantic_head(f"semantic_{k}", semantic) for k in levels]
        probabilities = [_softmax(x) for x in logits]
        found = []
        for k in levels:
            sources = [probabilities[r] for r in source_levels(s.fusion, k, len(levels))]
            offsets = self._offset_head(k, instance, sources, points.xyz)
            log_p = _log_softmax(logits[k])
            certainty = (np.exp(log_p) * log_p).sum(axis=1)
            semantic_of_points = logits[k].argmax(axis=1).astype(np.int32)
            found.append(LevelReadout(semantic_of_points, offsets[:, :3], offsets[:, 3:], certainty, probabilities[k]))
        return found

    def _features(self, points: Points) -> list[np.ndarray]:
        """Of the points, [N, C] for each of both decoders."""
        s = self._settings.backbone_settings
        xyz = points.xyz / np.float32(s.half_edge)
        octree = octree_build(xyz, points.features, points.row_splits, s.depth, s.full_depth)
        table = octree_interpolation_table(xyz, points.row_splits, octree.keys[s.depth], s.depth, s.edge_mode)
        coarsest = s.depth - len(s.channels) + 1
        x = octree.features
        if s.abs_input:
            x = np.abs(x)
        encoded = {}
        for d in range(s.depth, coarsest - 1, -1):
            name = f"backbone/encoder_{d}"
            kernel = self._weights[f"{name}/entry/kernel"]
            x = octree_conv(x, kernel, octree.neighbors[d]) if d == s.depth else _down(x, kernel, octree.children[d])
            x = encoded[d] = self._blocks(name, self._norm(f"{name}/entry", x, RELU), octree, d)
        return [
            weighted_gather(self._decode(f"backbone/decoder{i}", encoded, octree, coarsest), *table) for i in (0, 1)
        ]

    def _decode(self, decoder: str, encoded: Mapping[int, np.ndarray], octree: Octree, coarsest: int) -> np.ndarray:
        x = encoded[coarsest]
        for d in range(coarsest + 1, self._settings.backbone_settings.depth + 1):
            name = f"{decoder}_{d}"
            x = _up(x, self._weights[f"{name}/entry/kernel"], octree.children[d - 1])
            x = self._blocks(name, self._norm(f"{name}/entry", x, RELU) + encoded[d], octree, d)
        return x

    def _blocks(self, stage: str, x: np.ndarray, octree: Octree, depth: int) -> np.ndarray:
        for i in range(self._settings.backbone_settings.num_blocks):
            name = f"{stage}/block_{i}"
            y = octree_conv(
                self._unit(f"{name}/reduce", x, RELU), self._weights[f"{name}/conv/kernel"], octree.neighbors[depth]
            )
            x = self._unit(f"{name}/expand", self._norm(f"{name}/conv", y, RELU), RELU, shortcut=x)
        return x

    def _semantic_head(self, name: str, x: np.ndarray) -> np.ndarray:
        for i in range(self._settings.head_hidden):
            x = self._unit(f"{name}/hidden_{i}", x)
        return self._linear(f"{name}/logits", x)

    def _offset_head(self, k: int, x: np.ndarray, sources: list[np.ndarray], xyz: np.ndarray) -> np.ndarray:
        """[N, 6]: O_I and O_S."""
        s, name = self._settings, f"offset_{k}"
        for i in range(0 if sources and s.fuse_from == "feature" else s.head_hidden):
            x = self._unit(f"{name}/hidden_{i}", x)
        if sources:
            fused = [self._aggregate(f"{name}/fusion_{k}/transfer_{i}", x, p) for i, p in enumerate(sources)]
            x = np.concatenate([x, *fused, xyz] if s.concat_order == "released" else [*fused, x, xyz], axis=1)
        elif s.baseline_unit == "features_xyz":
            x = np.concatenate([x, xyz], axis=1)
        if sources or s.baseline_unit != "none":
            x = self._unit(f"{name}/fusion_unit", x)
        return self._linear(f"{name}/offsets", x)

    def _aggregate(self, transfer: str, x: np.ndarray, p: np.ndarray) -> np.ndarray:
        """F^ of one source (Eqs. 3 to 6), with the unit behind it."""
        hard = np.eye(p.shape[1], dtype=np.float32)[p.argmax(axis=1)] if self._settings.hard_assign else p
        pooling = hard if self._settings.hard_in == "both" else p
        weight = pooling.sum(axis=0)[:, None]
        total = pooling.T @ x
        regions = np.divide(total, weight, out=np.zeros_like(total), where=weight != 0)
        if not self._settings.transfer:
            return hard @ regions
        return self._norm(transfer, hard @ (regions @ self._weights[f"{transfer}/linear/kernel"]), LEAKY)

    def _unit(self, name: str, x: np.ndarray, slope: float = LEAKY, shortcut: np.ndarray | None = None) -> np.ndarray:
        return self._norm(name, x @ self._weights[f"{name}/linear/kernel"], slope, shortcut)

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self._weights[f"{name}/kernel"] + self._weights[f"{name}/bias"]

    def _norm(self, name: str, x: np.ndarray, slope: float, shortcut: np.ndarray | None = None) -> np.ndarray:
        """Batch normalization by moving statistics, then the activation that multiplies negative numbers by `slope`."""
        parts = ("gamma", "beta", "moving_mean", "moving_variance")
        gamma, beta, mean, variance = (self._weights[f"{name}/norm/{part}"] for part in parts)
        scale = gamma / np.sqrt(variance + np.float32(EPSILON))
        y = x * scale + (beta - mean * scale)
        if shortcut is not None:
            y += shortcut
        return np.maximum(y, np.float32(slope) * y)


def _down(x: np.ndarray, kernel: np.ndarray, children: np.ndarray) -> np.ndarray:
    """2x2x2 with stride 2: x [8 M', Cin] -> a row for each of `children` [M], 0 where it is empty (-1)."""
    y = np.zeros((len(children), kernel.shape[2]), np.float32)
    y[children >= 0] = x.reshape(-1, kernel.shape[0] * kernel.shape[1]) @ kernel.reshape(-1, kernel.shape[2])
    return y


def _up(x: np.ndarray, kernel: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Its transposed: x [M, Cin], `children` [M] -> [8 M', Cout]."""
    y = x[children >= 0] @ kernel.transpose(1, 0, 2).reshape(kernel.shape[1], -1)
    return y.reshape(-1, kernel.shape[2])


def _log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def _softmax(x: np.ndarray) -> np.ndarray:
    x = np.exp(x - x.max(axis=1, keepdims=True))
    return x / x.sum(axis=1, keepdims=True)
