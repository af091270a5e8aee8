"""Meshes: OBJ, STL, OFF and PLY by trimesh, PLY's clouds by plyfile, and points sampled on the surface of any mesh."""

import io
import re
from pathlib import Path

import numpy as np
from plyfile import PlyData

from instance_seg.data.files.clouds.columns import cloud_from_names, cloud_from_table
from instance_seg.data.files.clouds.geometry import Cloud, Mesh, UnreadableError, joined
from instance_seg.data.files.clouds.text import number_table

_OBJ_FACE = re.compile(rb"^[ \t]*f[ \t]", re.MULTILINE)
_OBJ_LINE = re.compile(r"^[ \t]*(v|vn|l)[ \t]+(.*)$", re.MULTILINE)
_PLY_ELEMENT = re.compile(rb"^element[ \t]+(\S+)[ \t]+(\d+)[ \t]*$", re.MULTILINE)
_PLY_END = b"end_header"
_OFF_COUNTS = re.compile(rb"OFF\s*(?:#[^\n]*\n\s*)*\d+\s+(\d+)")


def read_mesh(path: Path) -> Cloud | Mesh:
    """Reads the triangles of a mesh; where there are vertices and no faces, the cloud of the vertices.

    Colors are those of vertices; materials and textures are left alone, so are files that the mesh names. Raises
    UnreadableError if it holds lines alone, or nothing.
    """
    import trimesh  # half a second that reading clouds need not wait for

    with open(path, "rb") as file:
        scene = trimesh.load_scene(file, file_type=path.suffix.lower()[1:], process=False)
    parts = [part for part in scene.geometry.values() if isinstance(part, (trimesh.Trimesh, trimesh.PointCloud))]
    if scene.geometry and not parts:
        raise UnreadableError("holds only lines; want faces, or vertices alone for a cloud")
    meshes = [part for part in parts if len(getattr(part, "faces", ()))]
    vertices, colors = joined([(np.asarray(part.vertices, np.float64), _colors(part)) for part in meshes or parts])
    if not meshes:
        return Cloud(vertices, None, colors)
    first = np.cumsum([0, *(len(part.vertices) for part in meshes[:-1])])
    faces = np.concatenate([np.asarray(part.faces) + start for part, start in zip(meshes, first)])
    return Mesh(vertices, faces, colors)


def _colors(part) -> np.ndarray | None:
    """Of the vertices of one of trimesh's meshes or clouds, [V, 3] uint8, where there are some."""
    colors = part.visual.vertex_colors if part.visual.kind == "vertex" else ()
    return np.asarray(colors)[:, :3] if len(colors) == len(part.vertices) else None


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
    source = path  # of a file plyfile maps the rows, of bytes in memory it reads one after the other
    if not data[:length].isascii():  # comments may be in any language
        source = io.BytesIO(bytes(byte if byte < 128 else ord("?") for byte in data[:length]) + data[length:])
    content = PlyData.read(source)
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


def vertices_of(mesh: Mesh) -> Cloud:
    """The vertices of a mesh as a cloud. Raises UnreadableError if a face has a vertex that does not exist."""
    _check_faces(mesh)
    corners = mesh.vertices[mesh.faces]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = [np.bincount(mesh.faces.ravel(), np.repeat(column, 3), len(mesh.vertices)) for column in across.T]
    normals = np.stack(summed, axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    return Cloud(mesh.vertices, normals, mesh.colors)


def _check_faces(mesh: Mesh) -> None:
    faces, count = mesh.faces, len(mesh.vertices)
    if faces.min() < 0 or faces.max() >= count:
        raise UnreadableError(f"a face has vertex {faces.max()} or {faces.min()}, there are {count} vertices")


def sample(mesh: Mesh, num_points: int, seed: int) -> tuple[Cloud, np.ndarray]:
    """Points drawn from the surface of a mesh by area, with the normals of their triangles, and which these are [N].

    Colors are interpolated. Raises UnreadableError if a face has a vertex that does not exist or is not finite, or no
    face has an area.
    """
    import trimesh

    vertices, faces, colors = mesh
    _check_faces(mesh)
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
    if colors is not None:
        weights = trimesh.triangles.points_to_barycentric(corners, points)
        mixed = np.einsum("nk,nkc->nc", weights, colors[faces[chosen]].astype(np.float64))
        colors = np.uint8(np.clip(np.nan_to_num(np.round(mixed)), 0, 255))
    return Cloud(points * extent + middle, normals, colors), chosen
