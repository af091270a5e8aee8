"""PLY files, with plyfile for clouds; those with faces are meshes, which trimesh reads."""

import io
import re
from pathlib import Path

from plyfile import PlyData

from instance_seg.data.files.clouds.columns import cloud_from_names
from instance_seg.data.files.clouds.geometry import Cloud, Mesh, UnreadableError
from instance_seg.data.files.clouds.mesh import read_mesh, whole

_ELEMENT = re.compile(rb"^element[ \t]+(\S+)[ \t]+(\d+)[ \t]*$", re.MULTILINE)
_END = b"end_header"


def read_ply(path: Path) -> Cloud | Mesh:
    """Reads the vertices, with their normals nx ny nz if there are any, or the triangles of a PLY file.

    Raises:
        UnreadableError: it is no PLY file, or its vertices are joined by lines or by strips of triangles.
    """
    data = path.read_bytes()
    length = data.find(_END)
    if not data.startswith(b"ply") or length < 0:
        raise UnreadableError("is no PLY file, or its header is cut")
    counts = {
        name.decode("latin-1"): int(count) for name, count in _ELEMENT.findall(data[:length].replace(b"\r", b"\n"))
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
