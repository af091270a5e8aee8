"""Good files of every kind, written from one cloud and one mesh."""

import struct
from pathlib import Path

import h5py
import numpy as np
import trimesh
from plyfile import PlyData, PlyElement

from instance_seg.data.partnet.formats.points_file import PointsBuffer, write_points_file

FILES = Path(__file__).parent / "files"


def make_sphere(num_points=400, radius=3.0, center=1.0, seed=0):
    """Points [N, 3] float64 on a sphere and their normals; float32 holds both exactly."""
    normals = np.random.default_rng(seed).normal(size=(num_points, 3))
    normals = np.float32(normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float64)
    return np.float32(radius * normals + center).astype(np.float64), normals


def text_of(values, delimiter=" ", fmt="%.17g"):
    """Rows [N, C] as lines of text."""
    return "".join(delimiter.join(fmt % number for number in row) + "\n" for row in values)


def alike(found, wanted):
    """Mean |cosine| between vectors [N, 3] of unit length: 1 = the same up to signs."""
    return float(np.abs((found * wanted).sum(axis=1)).mean())


def write_ply(path, points, normals=None, text=False, byte_order="<", comments=()):
    """A PLY cloud with the names x y z, and nx ny nz."""
    columns = {"xyz"[i]: points[:, i] for i in range(3)}
    columns |= {} if normals is None else {"n" + "xyz"[i]: normals[:, i] for i in range(3)}
    rows = np.asarray(np.rec.fromarrays(list(columns.values()), names=list(columns)))
    element = PlyElement.describe(rows, "vertex")
    PlyData([element], text=text, byte_order="=" if text else byte_order, comments=list(comments)).write(str(path))


def write_pcd(path, values, names, data="ascii"):
    """A PCD file of float32 columns [N, C]."""
    values = np.asarray(values, "<f4")
    width = len(names)
    header = (
        f"# .PCD v0.7\nVERSION 0.7\nFIELDS {' '.join(names)}\nSIZE {'4 ' * width}\nTYPE {'F ' * width}\n"
        f"COUNT {'1 ' * width}\nWIDTH {len(values)}\nHEIGHT 1\nVIEWPOINT 0 0 0 1 0 0 0\n"
        f"POINTS {len(values)}\nDATA {data}\n"
    )
    by_column = values.T.tobytes()
    packed = lzf_packed(by_column)
    body = {
        "ascii": text_of(values).encode(),
        "binary": values.tobytes(),
        "binary_compressed": struct.pack("<II", len(packed), len(by_column)) + packed,
    }
    path.write_bytes(header.encode() + body[data])


def lzf_packed(data):
    """LZF with all its forms: literals, short copies and long ones, also those that overlap what they write."""
    out, at, literal, seen = bytearray(), 0, bytearray(), {}

    def flush():
        for start in range(0, len(literal), 32):
            out.append(len(literal[start : start + 32]) - 1)
            out.extend(literal[start : start + 32])
        literal.clear()

    while at < len(data):
        key = data[at : at + 3]
        start = seen.get(key, -1) if len(key) == 3 else -1
        seen[key] = at
        if start < 0 or at - start > 8191:
            literal.append(data[at])
            at += 1
            continue
        length = 3
        while length < 264 and at + length < len(data) and data[start + length] == data[at + length]:
            length += 1
        flush()
        back = at - start - 1
        if length - 2 < 7:
            out += bytes([(length - 2) << 5 | back >> 8, back & 255])
        else:
            out += bytes([7 << 5 | back >> 8, length - 9, back & 255])
        at += length
    flush()
    return bytes(out)


def write_examples(folder, num_points=200):
    """One or more good files of every kind: name -> path. Clouds have normals where the kind has a place for them."""
    points, normals = make_sphere(num_points)
    both = np.hstack([points, normals])
    box = trimesh.creation.box((1, 2, 3))
    names = [*"xyz", "normal_x", "normal_y", "normal_z"]
    folder = Path(folder)
    for name, delimiter in (("a.xyz", " "), ("a.csv", ","), ("a.txt", "\t"), ("a.asc", ";"), ("a.xyzn", "  ")):
        (folder / name).write_text(text_of(both, delimiter))
    (folder / "a.pts").write_text(f"{num_points}\n" + text_of(both))
    np.savez(folder / "a.npz", points=points, normals=normals)
    np.savez_compressed(folder / "packed.npz", pts=points, nor=normals)
    np.save(folder / "a.npy", both)
    with h5py.File(folder / "a.h5", "w") as file:
        file.create_dataset("points", data=points, compression="gzip")
        file["normals"] = normals
    write_points_file(folder / "a.points", PointsBuffer(np.float32(points), np.float32(normals)))
    for data in ("ascii", "binary", "binary_compressed"):
        write_pcd(folder / f"{data}.pcd", both, names, data)
    write_ply(folder / "a.ply", points, normals)
    write_ply(folder / "text.ply", points, normals, text=True)
    write_ply(folder / "big_endian.ply", points, normals, byte_order=">")
    (folder / "cloud.obj").write_text(
        "".join(f"v {row}\n" for row in text_of(points).splitlines())
        + "".join(f"vn {row}\n" for row in text_of(normals).splitlines())
    )
    for name in ("mesh.ply", "mesh.obj", "mesh.stl", "mesh.off", "mesh.glb"):
        box.export(folder / name)
    box.export(folder / "text_mesh.ply", encoding="ascii")
    box.export(folder / "text.stl", file_type="stl_ascii")
    for name in ("table_plain.gltf", "table_quantized.gltf"):
        (folder / name).write_bytes((FILES / name).read_bytes())
    return {path.name: path for path in sorted(folder.iterdir())}
