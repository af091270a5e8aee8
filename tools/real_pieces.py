"""The eight pieces of furniture of the package furniture-bench, assembled, as shapes with PartNet's part names.

The package (MIT) holds an OBJ for each part of real furniture, and in its source where the parts belong. That source is
read as text and never run: it would want a simulator.
"""

import ast
import operator
import pathlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from instance_seg.data.files.clouds.geometry import Mesh
from instance_seg.data.files.clouds.mesh import sample
from instance_seg.data.files.clouds.read import READERS, Sampled
from instance_seg.data.partnet.shape import LabeledShape, Part
from instance_seg.data.partnet.splits import ShapeId
from instance_seg.procedural.frames import X, Y, Z

_ARITHMETIC = {ast.Add: operator.add, ast.Mult: operator.mul, ast.Div: operator.truediv, ast.MatMult: operator.matmul}


class Piece(NamedTuple):
    """What the package does not say of a piece."""

    category: str  # of PartNet
    up: np.ndarray  # [3], in the package's coordinates
    front: np.ndarray  # [3]
    names: tuple[str, ...]  # of its parts in their order; the last one holds for all that follow


TABLE, CHAIR, CABINET, LAMP = "table/regular_table", "chair", "storage_furniture/cabinet", "lamp/table_or_floor_lamp"
TOP, TABLE_BASE = f"{TABLE}/tabletop/tabletop_surface/board", f"{TABLE}/table_base"
TABLE_LEG = f"{TABLE_BASE}/regular_leg_base/leg"
PEDESTAL = tuple(f"{TABLE_BASE}/pedestal_base/{name}" for name in ("central_support", "pedestal"))
SEAT, CHAIR_LEG = f"{CHAIR}/chair_seat/seat_surface/seat_single_surface", f"{CHAIR}/chair_base/regular_leg_base/leg"
FRAME, FRAME_TOP = f"{CABINET}/cabinet_frame", f"{CABINET}/cabinet_frame/top_panel"
DOOR, DRAWER = f"{CABINET}/cabinet_door", f"{CABINET}/drawer"
BULB, SHADE = (f"{LAMP}/lamp_unit/lamp_head/{name}" for name in ("light_bulb", "lamp_cover/lamp_shade"))

# A name that no level lists, as that of a back with the rear legs in one, is a part that PartNet would have cut up.
PIECES = {
    "square_table": Piece("Table", -Y, -Z, (TOP, TABLE_LEG)),
    "desk": Piece("Table", -Y, -Z, (TOP, TABLE_LEG)),
    "round_table": Piece("Table", -Z, Y, (TOP, *PEDESTAL)),
    "stool": Piece("Chair", -Y, -Z, (SEAT, CHAIR_LEG)),
    "chair": Piece("Chair", -Y, -Z, (SEAT, CHAIR_LEG, CHAIR_LEG, f"{CHAIR}/back_and_rear_legs", f"{CHAIR}/nut")),
    "cabinet": Piece("StorageFurniture", -Y, -X, (FRAME, DOOR, DOOR, FRAME_TOP)),
    "drawer": Piece("StorageFurniture", -Y, Z, (FRAME, DRAWER)),
    "lamp": Piece("Lamp", -Y, -Z, (f"{LAMP}/base_and_body", BULB, SHADE)),
}


class Assembled(NamedTuple):
    """A piece, upright, with points of its surface."""

    category: str
    sampled: Sampled  # of the whole piece, y up
    part_of_face: np.ndarray  # [F] int
    shape: LabeledShape  # the same points; a leaf label for each part of the package


def assemble(package: pathlib.Path, name: str, num_points: int = 10_000, seed: int = 0) -> Assembled:
    """One of PIECES.

    Raises:
        ValueError: the package lacks a file, or its source does not say where a part belongs; names the file.
    """
    piece = PIECES[name]
    upright = np.stack([np.cross(piece.up, piece.front), piece.up, piece.front])
    vertices, faces, owner = [], [], []
    poses = read_poses(package / "furniture" / f"{name}.py")
    for part, (file, pose) in enumerate(poses.items()):
        path = package / "assets" / "furniture" / "mesh" / name / f"{file}.obj"
        if not path.is_file():
            raise ValueError(f"{path}: is missing; install furniture-bench 0.1 again")
        mesh = READERS[".obj"](path)
        faces.append(mesh.faces + sum(map(len, vertices)))
        vertices.append((mesh.vertices @ pose[:3, :3].T + pose[:3, 3]) @ upright.T)
        owner.append(np.full(len(mesh.faces), part))
    mesh, part_of_face = Mesh(np.concatenate(vertices), np.concatenate(faces)), np.concatenate(owner)
    (points, normals, *_), face = sample(mesh, num_points, seed)
    names = [piece.names[min(part, len(piece.names) - 1)] for part in range(len(poses))]
    rows = np.arange(num_points)
    sampled = Sampled(points, np.float32(normals), rows, rows, mesh, face)
    leaf_label = np.int32(part_of_face[face] + 1)
    shape = LabeledShape(np.float32(points), sampled.normals, leaf_label, part_tree(names), ShapeId(name, "0"))
    return Assembled(piece.category, sampled, part_of_face, shape)


def part_tree(names: Sequence[str]) -> tuple[Part, ...]:
    """The parts of leaves 1, 2, ... with these names, and the parts that those are in, each once."""
    above = {name[:i] for name in names for i, letter in enumerate(name) if letter == "/"}
    inside = {a: tuple(i for i, name in enumerate(names, 1) if f"{name}/".startswith(f"{a}/")) for a in sorted(above)}
    own = [Part(name, (i,)) for i, name in enumerate(names, 1) if name not in above]
    return (*(Part(name, leaves) for name, leaves in inside.items()), *own)


def read_poses(source: pathlib.Path) -> dict[str, np.ndarray]:
    """Name of the mesh -> [4, 4], from it to the first part, of every part in its order.

    Where several parts have a choice of the same places, each takes the next one. Raises ValueError naming the file.
    """
    names, choices = [], {}
    try:
        for statement in ast.walk(ast.parse(source.read_text())):
            if isinstance(statement, ast.Assign):
                target = statement.targets[0]
                if ast.unparse(target) == "self.parts":
                    names = [part.args[0].slice.value for part in statement.value.elts]
                elif ast.unparse(target).startswith("self.assembled_rel_poses["):
                    choices[ast.literal_eval(target.slice)] = _value(statement.value, choices)
    except (OSError, SyntaxError, ValueError, AttributeError, KeyError) as error:
        raise ValueError(f"{source}: cannot be read ({' '.join(str(error).split())})") from error
    poses, taken = {0: np.eye(4)}, Counter()
    for (first, second), places in choices.items():
        poses[second] = poses[first] @ places[taken[id(places)]]
        taken[id(places)] += 1
    if sorted(poses) != list(range(len(names))):
        raise ValueError(f"{source}: says of {len(poses)} parts where they belong, and has {len(names)}")
    prefix = source.stem
    return {name if name.startswith(prefix) else f"{prefix}_{name}": poses[i] for i, name in enumerate(names)}


def _value(expression: ast.expr, known: Mapping[tuple[int, int], Any]) -> Any:
    """The value of an expression of numbers, pi, lists, `get_mat`, arithmetic, and places that are known."""
    match expression:
        case ast.Constant(value=number):
            return number
        case ast.Attribute(attr="pi"):
            return np.pi
        case ast.List(elts=elements):
            return [_value(each, known) for each in elements]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, known)
        case ast.BinOp(left=left, op=sign, right=right):
            return _ARITHMETIC[type(sign)](_value(left, known), _value(right, known))
        case ast.Subscript(slice=pair):
            return known[ast.literal_eval(pair)]
        case ast.Call(func=ast.Name(id="get_mat"), args=[position, angles]):
            pose = np.eye(4)
            pose[:3, :3] = Rotation.from_euler("xyz", _value(angles, known)).as_matrix()  # Rz Ry Rx
            pose[:3, 3] = _value(position, known)
            return pose
    raise ValueError(f"line {expression.lineno}: cannot tell what {ast.unparse(expression)} is")
