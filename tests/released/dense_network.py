"""PointGroup, HAIS and DyCo3D in NumPy, float64, on dense grids, from the names and layouts of their state dicts."""

import numpy as np

CELLS = [(i, j, k) for i in range(3) for j in range(3) for k in range(3)]
OCTANTS = [(i, j, k) for i in range(2) for j in range(2) for k in range(2)]


class Dense:
    """The layers of a state dict `w`."""

    def __init__(self, w):
        self.w = {name: value.astype(np.float64) for name, value in w.items()}

    def linear(self, name, x):
        weight = self.w[f"{name}.weight"]
        return x @ weight.reshape(weight.shape[:2]).T + self.w.get(f"{name}.bias", 0)

    def norm(self, name, x, epsilon=1e-4):
        scale = self.w[f"{name}.weight"] / np.sqrt(self.w[f"{name}.running_var"] + epsilon)
        return np.maximum((x - self.w[f"{name}.running_mean"]) * scale + self.w[f"{name}.bias"], 0)

    def conv(self, name, x, mask):
        weight, n = self.w[f"{name}.weight"], len(x)
        padded = np.pad(x, [(1, 1)] * 3 + [(0, 0)])
        found = sum(padded[i : i + n, j : j + n, k : k + n] @ weight[i, j, k] for i, j, k in CELLS)
        return found * mask[..., None]

    def block(self, name, x, mask):
        y = self.conv(f"{name}.conv_branch.2", self.norm(f"{name}.conv_branch.0", x) * mask[..., None], mask)
        y = self.conv(f"{name}.conv_branch.5", self.norm(f"{name}.conv_branch.3", y) * mask[..., None], mask)
        shortcut = self.w.get(f"{name}.i_branch.0.weight")
        return y + (x if shortcut is None else x @ shortcut[0, 0, 0])

    def unet(self, name, x, mask):
        """x [n, n, n, C], 0 where the mask [n, n, n] is; n is even as often as it goes down."""
        for i in range(2):
            x = self.block(f"{name}.blocks.block{i}", x, mask)
        if f"{name}.conv.2.weight" in self.w:
            skip, down, up = x, self.w[f"{name}.conv.2.weight"], self.w[f"{name}.deconv.2.weight"]
            y = self.norm(f"{name}.conv.0", x) * mask[..., None]
            coarse = np.any([mask[i::2, j::2, k::2] for i, j, k in OCTANTS], axis=0)
            y = sum(y[i::2, j::2, k::2] @ down[i, j, k] for i, j, k in OCTANTS)
            y = self.norm(f"{name}.deconv.0", self.unet(f"{name}.u", y, coarse))
            risen = np.zeros(x.shape)
            for i, j, k in OCTANTS:
                risen[i::2, j::2, k::2] = y @ up[i, j, k]
            x = np.concatenate([skip, risen * mask[..., None]], axis=-1)
            for i in range(2):
                x = self.block(f"{name}.blocks_tail.block{i}", x, mask)
        if f"{name}.before_transformer_linear.weight" in self.w:
            x = x.copy()
            x[mask] = self.attention(name, x[mask], np.argwhere(mask))
        return x

    def attention(self, name, x, places):
        t = f"{name}.transformer"

        def norm(name, y):
            y = (y - y.mean(1, keepdims=True)) / (y.std(1, ddof=1, keepdims=True) + 1e-6)
            return self.w[f"{name}.alpha"] * y + self.w[f"{name}.bias"]

        y = self.linear(f"{name}.before_transformer_linear", x)
        y += self.linear(f"{t}.position_linear", places - places.mean(0))
        for layer in (f"{t}.layers.0", f"{t}.layers.1"):
            z = norm(f"{layer}.norm_1", y)
            q, k, v = (np.split(self.linear(f"{layer}.attn_1.{c}_linear", z), 4, axis=1) for c in "qkv")
            weights = [np.exp(a @ b.T / np.sqrt(32)) for a, b in zip(q, k)]
            heads = [a / a.sum(1, keepdims=True) @ b for a, b in zip(weights, v)]
            y = y + self.linear(f"{layer}.attn_1.out", np.concatenate(heads, axis=1))
            hidden = np.maximum(self.linear(f"{layer}.ff.linear_1", norm(f"{layer}.norm_2", y)), 0)
            y = y + self.linear(f"{layer}.ff.linear_2", hidden)
        return self.linear(f"{name}.after_transformer_linear", norm(f"{t}.norm", y))

    def at_rows(self, net, output, voxels, features, stem=None, size=24):
        """Means over the voxels of points, the U-Net, and its normalized features back at the points."""
        total, count = np.zeros((size,) * 3 + features.shape[1:]), np.zeros((size,) * 3)
        np.add.at(total, tuple(voxels.T), features)
        np.add.at(count, tuple(voxels.T), 1)
        x, mask = total / np.maximum(count, 1)[..., None], count > 0
        x = x if stem is None else self.conv(stem, x, mask)
        return self.norm(output, self.unet(net, x, mask))[tuple(voxels.T)]


def layers(names, dense, x, epsilon=1e-4):
    """Linear layers, each with its normalization behind it: pairs of names."""
    for linear, norm in names:
        x = dense.norm(norm, dense.linear(linear, x), epsilon)
    return x


def pointgroup(dense, x, voxels, xyz):
    """logits, offset of points with the features x; what the group of all points, in these voxels, is said to be."""
    offset = dense.linear("offset_linear", layers([("offset.0", "offset.1")], dense, x))
    judged = dense.at_rows("score_unet", "score_outputlayer.0", voxels, x)
    return dense.linear("linear", x), offset, dense.linear("score_linear", judged.max(0))


def hais(dense, x, voxels, xyz):
    """The same, with the masks in the end."""
    logits, offset = (
        dense.linear(f"{name}.3", layers([(f"{name}.0", f"{name}.1")], dense, x))
        for name in ("semantic_linear", "offset_linear")
    )
    judged = dense.at_rows("intra_ins_unet", "intra_ins_outputlayer.0", voxels, x)
    masks = dense.linear("mask_linear.2", np.maximum(dense.linear("mask_linear.0", judged), 0))
    score = dense.linear("score_linear", (judged * (masks >= 0)).max(0))
    return logits, offset, np.concatenate([score, masks[:, 0]])


def dyco3d(dense, x, voxels, xyz):
    """The same, with the mask of the group in the end."""
    logits = dense.linear("linear.6", layers([("linear.0", "linear.1"), ("linear.3", "linear.4")], dense, x))
    offset = dense.linear("offset_linear", layers([("offset.0", "offset.1")], dense, x))
    tower = layers([(f"mask_tower.{i}.0", f"mask_tower.{i}.1") for i in range(3)], dense, x, 1e-5)
    features = dense.linear("mask_tower.3", tower)
    pooled = dense.at_rows("score_unet", "score_outputlayer.0", voxels, x).max(0, keepdims=True)
    name = "before_embedding_tower.0"
    made = dense.linear("controller", layers([(f"{name}.0", f"{name}.1")], dense, pooled, 1e-5))[0]
    inputs = 3 + features.shape[1]
    first, second, bias = np.split(made[:-1], [16 * inputs, 16 * inputs + 16])
    seen = np.concatenate([xyz.mean(0) - xyz, features], axis=1)
    return logits, offset, np.maximum(seen @ first.reshape(16, inputs).T + bias, 0) @ second + made[-1]


def evaluate(head, w, features, xyz, voxels, group_voxels):
    """What `head` gives for points in the voxels, all of one group."""
    dense, seen = Dense(w), np.concatenate([features, xyz], axis=1).astype(np.float64)
    x = dense.at_rows("unet", "output_layer.0", voxels, seen, stem="input_conv.0")
    return head(dense, x, group_voxels, xyz.astype(np.float64))
