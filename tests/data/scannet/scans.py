"""Tiny scans in ScanNet's raw layout: a floor, a wall, and boxes of three classes."""

import json

import numpy as np
from plyfile import PlyData, PlyElement

TABLE = "scannetv2-labels.combined.tsv"
NAMES = {
    "wall": (1, "wall"),
    "floor": (2, "floor"),
    "armchair": (5, "chair"),
    "table": (7, "table"),
    "lamp": (35, "lamp"),
}
OBJECTS = ("armchair", "table", "armchair", "lamp")
COLORS = {1: (200, 200, 190), 2: (120, 80, 40), 5: (220, 30, 30), 7: (30, 200, 30), 35: (30, 30, 220)}


def make_scan(seed, points=150):
    """name, xyz, NYU40 id and segment of each vertex, and groups (name, segments): two segments an object."""
    rng = np.random.default_rng(seed)
    parts = [
        ("floor", rng.uniform([0, 0, 0], [4, 4, 0], (2 * points, 3))),
        ("wall", rng.uniform([0, 0, 0], [4, 0, 2], (2 * points, 3))),
    ]
    places = rng.permutation([[0.8, 0.8], [3, 0.8], [0.8, 3], [3, 3]])
    for place, name in zip(places, OBJECTS):
        parts.append((name, rng.uniform([*place, 0.1], [*(place + 0.6), 0.8], (points, 3))))
    xyz = np.concatenate([xyz for _, xyz in parts]).astype(np.float32)
    part = np.repeat(np.arange(len(parts)), [len(xyz) for _, xyz in parts])
    nyu40 = np.array([NAMES[name][0] for name, _ in parts])[part]
    segment = 100 + 2 * part + rng.integers(0, 2, len(part))
    groups = [(name, [100 + 2 * i, 101 + 2 * i]) for i, (name, _) in enumerate(parts)]
    order = rng.permutation(len(xyz))
    return xyz[order], nyu40[order], segment[order], groups


def write_ply(path, xyz, rgb=None, label=None, faces=1):
    columns = {axis: xyz[:, i] for i, axis in enumerate("xyz")}
    if rgb is not None:
        columns |= {c: np.uint8(rgb[:, i]) for i, c in enumerate(("red", "green", "blue"))}
        columns["alpha"] = np.full(len(xyz), 255, np.uint8)
    if label is not None:
        columns["label"] = np.uint16(label)
    rows = np.empty(len(xyz), [(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        rows[name] = column
    triangles = np.zeros(faces, [("vertex_indices", "i4", (3,))])
    triangles["vertex_indices"] = [0, 1, 2]
    PlyData([PlyElement.describe(rows, "vertex"), PlyElement.describe(triangles, "face")]).write(str(path))


def write_scan(root, name, seed=0, labeled=True, groups=None):
    """Writes a scan and returns its folder."""
    folder = root / ("scans" if labeled else "scans_test") / name
    folder.mkdir(parents=True, exist_ok=True)
    xyz, nyu40, segment, own = make_scan(seed)
    rgb = np.array([COLORS[each] for each in nyu40])
    write_ply(folder / f"{name}_vh_clean_2.ply", xyz, rgb)
    if labeled:
        write_ply(folder / f"{name}_vh_clean_2.labels.ply", xyz, rgb, nyu40)
        write_segments(folder / f"{name}_vh_clean_2.0.010000.segs.json", name, segment)
        write_groups(folder / f"{name}.aggregation.json", name, own if groups is None else groups)
    return folder


def write_segments(path, name, segment):
    path.write_text(json.dumps({"params": {}, "sceneId": name, "segIndices": [int(s) for s in segment]}))


def write_groups(path, name, groups):
    listed = [
        {"id": i, "objectId": i, "label": label, "segments": members} for i, (label, members) in enumerate(groups)
    ]
    path.write_text(json.dumps({"sceneId": f"scannet.{name}", "appId": "", "segGroups": listed}))


def write_table(root):
    rows = ["id\traw_category\tcategory\tcount\tnyu40id\teigen13id\tnyuClass\tnyu40class"]
    rows += [f"{i}\t{name}\t{name}\t1\t{id}\t0\t-\t{nyu}" for i, (name, (id, nyu)) in enumerate(NAMES.items())]
    (root / TABLE).write_text("\n".join(rows) + "\n")


def write_scannet(root, train=3, val=2, test=1):
    """A whole data set; returns its folder."""
    write_table(root)
    seed = 0
    for split, count in {"train": train, "val": val, "test": test}.items():
        names = [f"scene{seed + i:04d}_00" for i in range(count)]
        for name in names:
            write_scan(root, name, int(name[5:9]), labeled=split != "test")
        (root / f"scannetv2_{split}.txt").write_text("\n".join(names) + "\n")
        seed += count
    return root
