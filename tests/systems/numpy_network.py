"""The paper's network as its released program evaluates it, in NumPy and float64, for one shape.

Written from the description of the layers alone; it shares no code and no data structure with the package. Weights
are TF1's arrays under TF1's names and in TF1's layouts. Octants are dictionary keys (x, y, z) of their depth in an
arbitrary order: no Morton codes, no tables of children. Meant for a few hundred octants.
"""

import itertools

import numpy as np

CORNERS = list(itertools.product((0, 1), repeat=3))  # child octant 4x + 2y + z
OFFSETS = list(itertools.product((-1, 0, 1), repeat=3))  # kernel cell 9(dx + 1) + 3(dy + 1) + (dz + 1)


class SparseGrid:
    """The octants of one shape: `rows[d]` maps the cells of depth d to rows; those in `filled[d]` have children."""

    def __init__(self, xyz, normals, depth, full_depth):
        self.depth = depth
        scaled = (np.asarray(xyz, np.float32) + np.float32(1)) * np.float32(2 ** (depth - 1))
        self.cells = [tuple(int(c) for c in u) for u in np.clip(np.floor(scaled), 0, 2**depth - 1)]
        occupied = [{tuple(c >> (depth - d) for c in cell) for cell in self.cells} for d in range(depth + 1)]
        self.rows, self.filled = [], []
        for d in range(depth + 1):
            if d <= full_depth:
                cells = list(itertools.product(range(2**d), repeat=3))
            else:
                cells = [child for parent in self.filled[-1] for child in children(parent)]
            self.rows.append({cell: row for row, cell in enumerate(cells)})
            self.filled.append(cells if d < full_depth else [c for c in cells if c in occupied[d]])
        self.signal = self._signal(scaled.astype(np.float64), np.asarray(normals, np.float64))

    def _signal(self, scaled, normals):
        """Average normal and displacement of every finest octant, absolute values; 0 where there is no point."""
        signal = np.zeros((len(self.rows[-1]), 4))
        for cell in self.filled[-1]:
            inside = [i for i, c in enumerate(self.cells) if c == cell]
            normal = normals[inside].sum(axis=0)
            if np.linalg.norm(normal) < 1e-6:
                normal = normals[inside[0]]
            normal = normal / np.linalg.norm(normal)
            from_center = scaled[inside].mean(axis=0) - np.array(cell) - 0.5
            signal[self.rows[-1][cell]] = [*normal, 1.1547 * from_center @ normal]
        return np.abs(signal)

    def neighborhoods(self, x, d):
        """x [M, C] at depth d -> [M, C, 27], missing neighbors 0."""
        out = np.zeros((len(x), x.shape[1], 27))
        for cell, row in self.rows[d].items():
            for k, offset in enumerate(OFFSETS):
                neighbor = self.rows[d].get(tuple(np.add(cell, offset)))
                if neighbor is not None:
                    out[row, :, k] = x[neighbor]
        return out

    def interpolate(self, x, xyz, wrap):
        """Trilinear interpolation at points between the centers of the finest octants; [M, C] -> [N, C]."""
        position = (np.asarray(xyz, np.float64) + 1) * 2 ** (self.depth - 1) - 0.5
        base, out = np.floor(position).astype(int), np.zeros((len(xyz), x.shape[1]))
        fraction = position - base
        for i in range(len(xyz)):
            total = 0.0
            for corner in CORNERS:
                cell = base[i] + corner
                if wrap:  # the defect of the released program: -1 saturates to 0, 2^depth wraps around to 0
                    cell = (np.maximum(base[i], 0) + corner) % 2**self.depth
                row = self.rows[-1].get(tuple(int(c) for c in cell))
                if row is not None:
                    weight = np.prod(np.where(corner, fraction[i], 1 - fraction[i]))
                    out[i] += weight * x[row]
                    total += weight
            out[i] /= total + 1e-10
        return out


def children(cell):
    """The eight cells below a cell."""
    return [tuple(2 * c + bit for c, bit in zip(cell, corner)) for corner in CORNERS]


def relu(x):
    """max(x, 0)"""
    return np.maximum(x, 0.0)


def leaky_relu(x):
    """Slope 0.1 below 0."""
    return np.where(x > 0, x, 0.1 * x)


def softmax(x):
    """Over the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


class NumpyNetwork:
    """arrays: TF1 name -> TF1 array; num_classes: of each level; coarsest: depth of the coarsest features."""

    def __init__(self, arrays, num_classes, depth=6, full_depth=2, coarsest=2, num_blocks=3, wrap=False):
        self.arrays = {name: np.asarray(a, np.float64) for name, a in arrays.items()}
        self.num_classes, self.num_blocks, self.wrap = num_classes, num_blocks, wrap
        self.depth, self.full_depth, self.coarsest = depth, full_depth, coarsest

    def __call__(self, xyz, normals):
        """xyz, normals [N, 3] of one shape -> (logits [N, S], O_I [N, 3], O_S [N, 3]) of every level."""
        grid = SparseGrid(xyz, normals, self.depth, self.full_depth)
        encoded = self._encode(grid)
        semantic, instance = (
            grid.interpolate(self._decode(grid, encoded, name), xyz, self.wrap) for name in ("seg", "offset")
        )
        levels = range(len(self.num_classes))
        logits = [self._semantic(semantic, k) for k in levels]
        return [(logits[k], *self._offsets(instance, [softmax(p) for p in logits], xyz, k)) for k in levels]

    def _encode(self, grid):
        scope = f"seg/ocnn_unet/encoder_d{self.depth}"
        x = self._conv(grid, grid.signal, self.depth, scope)
        encoded = {self.depth: self._blocks(grid, x, self.depth, scope)}
        for d in range(self.depth - 1, self.coarsest - 1, -1):
            scope = f"seg/ocnn_unet/encoder_d{d}"
            x = self._down(grid, encoded[d + 1], d, scope)
            encoded[d] = self._blocks(grid, x, d, scope)
        return encoded

    def _decode(self, grid, encoded, name):
        x = encoded[self.coarsest]
        for d in range(self.coarsest + 1, self.depth + 1):
            scope = f"seg/ocnn_unet/decoder_{name}_d{d}"
            x = self._up(grid, x, d, scope) + encoded[d]
            x = self._blocks(grid, x, d, scope)
        return x

    def _blocks(self, grid, x, d, scope):
        for j in range(self.num_blocks):
            block = f"{scope}/resblock_{j}"
            y = relu(self._dense_bn(x, f"{block}/1x1x1_a"))
            y = self._conv(grid, y, d, f"{block}/3x3x3")
            x = relu(x + self._dense_bn(y, f"{block}/1x1x1_b"))
        return x

    def _conv(self, grid, x, d, scope):
        columns = grid.neighborhoods(x, d).reshape(len(x), -1)  # channel slow, kernel cell fast
        y = columns @ self.arrays[f"{scope}/conv_bn_relu/octree_conv/weights"].T
        return relu(self._batch_norm(y, f"{scope}/conv_bn_relu"))

    def _down(self, grid, x, d, scope):
        weights = self.arrays[f"{scope}/conv_bn_relu/octree_conv/weights"]
        y = np.zeros((len(grid.rows[d]), len(weights)))
        for cell in grid.filled[d]:
            below = x[[grid.rows[d + 1][child] for child in children(cell)]]
            y[grid.rows[d][cell]] = weights @ below.T.ravel()
        return relu(self._batch_norm(y, f"{scope}/conv_bn_relu"))

    def _up(self, grid, x, d, scope):
        weights = self.arrays[f"{scope}/deconv_bn_relu/octree_deconv/weights"]
        y = np.zeros((len(grid.rows[d]), weights.shape[1] // 8))
        for cell in grid.filled[d - 1]:
            out = (x[grid.rows[d - 1][cell]] @ weights).reshape(-1, 8)
            for k, child in enumerate(children(cell)):
                y[grid.rows[d][child]] = out[:, k]
        return relu(self._batch_norm(y, f"{scope}/deconv_bn_relu"))

    def _semantic(self, features, level):
        scope = f"seg/level_{level + 1}/predict_{self.num_classes[level]}"
        for name in ("conv0", "conv1"):
            features = leaky_relu(self._dense_bn(features, f"{scope}/{name}"))
        return self._dense_bias(features, f"{scope}/conv2")

    def _offsets(self, features, probabilities, xyz, level):
        scope = f"seg/level_{level + 1}/predict_offset"
        for name in ("conv0", "conv1"):
            features = leaky_relu(self._dense_bn(features, f"{scope}/{name}"))
        own = probabilities[level]
        others = [p for r, p in enumerate(probabilities) if r != level]
        fused = [features]
        for name, p in zip(("convtransfer", "convtransfer_1", "convtransfer_2"), [own, *others]):
            regions = (p.T @ features) / p.sum(axis=0)[:, None]
            fused.append(leaky_relu(self._dense_bn(p @ regions, f"{scope}/{name}")))
        x = np.concatenate([*fused, xyz], axis=1)
        x = leaky_relu(self._dense_bn(x, f"{scope}/convfusion"))
        x = self._dense_bias(x, f"{scope}/conv2")
        return x[:, :3], x[:, 3:]

    def _dense_bn(self, x, scope):
        return self._batch_norm(x @ self.arrays[f"{scope}/conv2d_1x1/weights"].T, scope)

    def _dense_bias(self, x, scope):
        scope = f"{scope}/conv2d_1x1"
        return x @ self.arrays[f"{scope}/weights"].T + self.arrays[f"{scope}/bias"][:, 0]

    def _batch_norm(self, x, scope):
        gamma, beta, mean, variance = (
            self.arrays[f"{scope}/batch_normalization/{n}"] for n in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta
