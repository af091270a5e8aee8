"""Meshes: OBJ, STL, OFF and PLY by trimesh, PLY's clouds by plyfile, and points sampled on the surface of any mesh."""

import io
import re
from pathlib import Path

import numpy as np
from plyfile import PlyData

from instance_seg.data.files.clouds.columns import cloud_from_names, cloud_from_table
from instance_seg.data.files.clouds.geometry import Cloud, Mesh, UnreadableError
from instance_seg.data.files.clouds.text import number_table

_OBJ_FACE = re.compile(rb"^[ \t]*f[ \t]", re.MULTILINE)
_OBJ_LINE = re.compile(r"^[ \t]*(v|vn|l)[ \t]+(.*)$", re.MULTILINE)
_PLY_ELEMENT = re.compile(rb"^element[ \t]+(\S+)[ \t]+(\d+)[ \t]*$", re.MULTILINE)
_PLY_END = b"end_header"
_OFF_COUNTS = re.compile(rb"OFF\s*(?:#[^\n]*\n\s*)*\d+\s+(\d+)")


def read_mesh(path: Path) -> Cloud | Mesh:
    """Reads the triangles of a mesh; where there are vertices and no faces, the cloud of the vertices.

    Materials and textures are left alone, so are files that the mesh names. Raises UnreadableError if it holds lines
    alone, or nothing.
    """
    import trimesh  # half a second that reading clouds need not wait for

    with open(path, "rb") as file:
        scene = trimesh.load_scene(file, file_type=path.suffix.lower()[1:], process=False)
    parts = [part for part in scene.geometry.values() if isinstance(part, (trimesh.Trimesh, trimesh.PointCloud))]
    if scene.geometry and not parts:
        raise UnreadableError("holds only lines; want faces, or vertices alone for a cloud")
    meshes = [part for part in parts if len(getattr(part, "faces", ()))]
    if not meshes:
        return Cloud(np.concatenate([np.empty((0, 3)), *(np.asarray(part.vertices, np.float64) for part in parts)]))
    first = np.cumsum([0, *(len(part.vertices) for part in meshes[:-1])])
    vertices = np.concatenate([np.asarray(part.vertices, np.float64) for part in meshes])
    return Mesh(vertices, np.concatenate([np.asarray(part.faces) + start for part, start in zip(meshes, first)]))


def read_obj(path: Path) -> Cloud | Mesh:
    """Reads an OBJ file: a mesh, or a cloud if it has vertices v, perhaps as many normals vn, and no faces.

    Raises UnreadableError if it has neither, or holds lines alone.
    """
    data = path.read_bytes()
    if _OBJ_FACE.search(data):
        return read_mesh(path)
    lines: dict[str, list[str]] = {}
    for keyword, rest in _OBJ_LINE.findall(data.decode("utf-8", errors="replace")):
        lines.setdefault(keyword, []).append(rest)
    if "l" in lines:
        raise UnreadableError("holds only lines; want faces, or vertices alone for a cloud")
    if "v" not in lines:
        raise UnreadableError("has no vertices")
    points = cloud_from_table(number_table(lines["v"])[0]).points
    normals = number_table(lines["vn"])[0] if len(lines.get("vn", ())) == len(lines["v"]) else None
    return Cloud(points, normals)


def read_ply(path: Path) -> Cloud | Mesh:
    """Reads the vertices, with their normals nx ny nz if there are any, or the triangles of a PLY file.

    Raises UnreadableError if it is no PLY file, or its vertices are joined by lines or by strips of triangles.
    """
    data = path.read_bytes()
    length = data.find(_PLY_END)
    if not data.startswith(b"ply") or length < 0:
        raise UnreadableError("is no PLY file, or its header is cut")
    counts = {
        name.decode("latin-1"): int(count) for name, count in _PLY_ELEMENT.findall(data[:length].replace(b"\r", b"\n"))
    }
    if counts.get("face"):
        return whole(read_mesh(path), counts["face"])
    if counts.get("tristrips"):
        raise UnreadableError("has strips of triangles (tristrips), which are not read; export it with faces")
    if counts.get("edge"):
        raise UnreadableError(
            f"its {counts.get('vertex', 0)} vertices are joined by lines alone, {counts['edge']} edges; "
            "want faces, or no edges for a cloud"
        )
    ascii_header = bytes(byte if byte < 128 else ord("?") for byte in data[:length])  # comments may be in any language
    content = PlyData.read(io.BytesIO(ascii_header + data[length:]))
    if "vertex" not in content:
        raise UnreadableError(f"no element vertex; it has {', '.join(counts) or 'no elements'}")
    vertex = content["vertex"]
    names = [p.name for p in vertex.properties]
    return cloud_from_names(names, lambda i: vertex[names[i]])


def read_stl(path: Path) -> Cloud | Mesh:
    """Reads an STL file. Raises UnreadableError if it is cut."""
    data = path.read_bytes()
    count = int.from_bytes(data[80:84], "little")  # of a binary file
    if len(data) != 84 + 50 * count and not (data.lstrip()[:5].lower() == b"solid" and b"endsolid" in data.lower()):
        raise UnreadableError("is cut, or no STL file: it has neither as many bytes as triangles take nor an endsolid")
    return read_mesh(path)


def read_off(path: Path) -> Cloud | Mesh:
    """Reads an OFF file. Raises UnreadableError if it is cut."""
    counts = _OFF_COUNTS.search(path.read_bytes())
    if not counts:
        raise UnreadableError("is no OFF file: it does not begin with OFF and the numbers of vertices and faces")
    return whole(read_mesh(path), int(counts[1]))


def whole(mesh: Cloud | Mesh, announced: int) -> Cloud | Mesh:
    """The mesh, whose polygons have become triangles. Raises UnreadableError if it has fewer faces than announced."""
    found = len(mesh.faces) if isinstance(mesh, Mesh) else 0
    if found < announced:
        raise UnreadableError(f"is cut: {announced} faces are announced, {found} could be read")
    return mesh


def sample(mesh: Mesh, num_points: int, seed: int) -> tuple[Cloud, np.ndarray]:
    """Points drawn from the surface of a mesh by area, with the normals of their triangles, and which these are [N].

    Raises UnreadableError if a face has a vertex that does not exist or is not finite, or no face has an area.
    """
    import trimesh

    vertices, faces = mesh
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise UnreadableError(f"a face has vertex {faces.max()} or {faces.min()}, there are {len(vertices)} vertices")
    corners = vertices[faces]
    bad = np.flatnonzero(~np.isfinite(corners).all(axis=(1, 2)))
    if len(bad):
        raise UnreadableError(f"face {bad[0]} has a vertex that is NaN or infinite ({len(bad)} of {len(faces)} faces)")
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    middle, extent = low / 2 + high / 2, (high / 2 - low / 2).max()
    if not extent > 0:
        raise UnreadableError("has no extent: all vertices of faces are at one place")
    unit = (vertices - middle) / extent  # squares of lengths neither vanish nor overflow
    unit[~np.isfinite(unit).all(axis=1)] = 0  # vertices of no face
    surface = trimesh.Trimesh(unit, faces, process=False)
    if not surface.area > 0:
        raise UnreadableError(f"has no extent: the area of all {len(faces)} faces is 0")
    points, chosen = trimesh.sample.sample_surface(surface, num_points, seed=seed)
    corners = surface.triangles[chosen]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return Cloud(points * extent + middle, normals), chosen
