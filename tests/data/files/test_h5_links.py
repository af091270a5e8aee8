"""Links, virtual datasets and external storage: followed inside the data folder, refused outside of it."""

import h5py
import numpy as np
import pytest
from small_data import read_split

from instance_seg.data.files.checked_h5 import Field, open_h5, read_dataset
from instance_seg.data.partnet.formats.predictions_h5 import read_predictions
from instance_seg.data.partnet.hdf5.paths import data_folder
from instance_seg.data.partnet.hdf5.trees import write_split
from instance_seg.data.partnet.taxonomy import load_taxonomy
from instance_seg.procedural import generate_shape

FIELD = Field((None, 3), np.floating, written="rows")
VALUES = np.arange(6, dtype=np.float32).reshape(2, 3)


def make(path, build=None):
    """A file with the dataset "values", and whatever `build` adds."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file["values"] = VALUES
        if build:
            build(file)
    return path


def external(target, name="values"):
    def build(file):
        file["x"] = h5py.ExternalLink(str(target), name)

    return build


def virtual(target, name="values"):
    def build(file):
        layout = h5py.VirtualLayout((2, 3), np.float32)
        layout[:] = h5py.VirtualSource(str(target), name, (2, 3))
        file.create_virtual_dataset("x", layout)

    return build


def soft(target):
    def build(file):
        file["x"] = h5py.SoftLink(target)

    return build


def storage(target):
    def build(file):
        file.create_dataset("x", (2, 3), np.float32, external=[(str(target), 0, 24)])

    return build


def read(path, within=None):
    with open_h5(path, within) as file:
        return read_dataset(file, "x", FIELD)


@pytest.fixture
def root(tmp_path):
    """A data folder with a file in another of its folders, and a secret beside the data folder."""
    make(tmp_path / "secret.h5")
    (tmp_path / "secret.bin").write_bytes(VALUES.tobytes())
    make(tmp_path / "root/other/source.h5", soft("values"))
    make(tmp_path / "root/other/to_storage.h5", storage(tmp_path / "secret.bin"))
    make(tmp_path / "root/other/to_secret.h5", external(tmp_path / "secret.h5"))
    make(tmp_path / "root/other/virtual_secret.h5", virtual(tmp_path / "secret.h5"))
    return tmp_path / "root"


@pytest.mark.parametrize(
    "build",
    [
        soft("values"),
        soft("/values"),
        soft("./values"),
        external("../other/source.h5"),
        external("../other/source.h5", "/x"),
        virtual("../other/source.h5"),
        virtual("../other/source.h5", "x"),
        virtual("."),
    ],
)
def test_what_stays_in_the_data_folder_is_read(root, build):
    np.testing.assert_array_equal(read(make(root / "here/a.h5", build), root), VALUES)


@pytest.mark.parametrize(
    "build, message",
    [
        (external("../../secret.h5"), "outside of the data folder"),
        (virtual("../../secret.h5"), "outside of the data folder"),
        (storage("../../secret.bin"), "external storage, which is not read"),
        (storage("inside.bin"), "external storage, which is not read"),
        (external("../other/to_storage.h5", "x"), "external storage, which is not read"),
        (virtual("../other/to_storage.h5", "x"), "external storage, which is not read"),
        (external("../other/to_secret.h5", "x"), "outside of the data folder"),
        (virtual("../other/to_secret.h5", "x"), "outside of the data folder"),
        (external("../other/virtual_secret.h5", "x"), "outside of the data folder"),
        (virtual("../other/virtual_secret.h5", "x"), "outside of the data folder"),
        (external("../other/gone.h5"), "leads to ../other/gone.h5, which is not there"),
        (virtual("../other/gone.h5"), "leads to ../other/gone.h5, which is not there"),
        (virtual("../other/source.h5", "gone"), "has no dataset 'gone'"),
        (external("../other/source.h5", "gone"), "is missing"),
        (soft("/x"), "leads in circles"),
        (external("a.h5", "x"), "leads in circles"),
        (virtual("a.h5", "x"), "leads in circles"),
    ],
)
def test_what_leads_elsewhere_is_refused(root, build, message):
    path = make(root / "here/a.h5", build)
    with pytest.raises(ValueError, match=message) as caught:
        read(path, root)
    assert str(caught.value).startswith(f"{path}: dataset 'x' ") and "\n" not in str(caught.value)


def test_absolute_names_and_links_of_the_file_system(root):
    inside, outside = root / "other/source.h5", root.parent / "secret.h5"
    np.testing.assert_array_equal(read(make(root / "here/a.h5", external(inside)), root), VALUES)
    (root / "other/disguised.h5").symlink_to(outside)
    with pytest.raises(ValueError, match="outside of the data folder"):
        read(make(root / "here/b.h5", external("../other/disguised.h5")), root)
    with pytest.raises(ValueError, match="outside of the data folder"):
        read(make(root / "here/c.h5", external(outside)))


def test_a_group_in_between_may_be_a_link(root):
    make(root / "other/group.h5", lambda file: file.create_group("g").create_dataset("d", data=VALUES))

    def build(file):
        file["way"] = h5py.ExternalLink("../other/group.h5", "/g")
        file["x"] = h5py.SoftLink("/way/d")

    np.testing.assert_array_equal(read(make(root / "here/a.h5", build), root), VALUES)


def test_where_the_user_keeps_his_data_does_not_matter(tmp_path):
    """The folders and files on the way to the data may be symbolic links."""
    chair = load_taxonomy("Chair")
    store = tmp_path / "store"
    write_split(store, "Chair", "train", [generate_shape("Chair", 0, i, 50) for i in range(2)], chair)
    tree = store / "ins_seg_h5" / "Chair"
    (tree / "train-00.h5").rename(tmp_path / "elsewhere.h5")
    (tree / "train-00.h5").symlink_to(tmp_path / "elsewhere.h5")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "ins_seg_h5").symlink_to(store / "ins_seg_h5")
    assert len(list(read_split(tmp_path / "root", "Chair", "train"))) == 2
    assert data_folder(tmp_path / "root/ins_seg_h5/Chair/train-00.h5") == tmp_path / "root"


def move_to(path, name, target, link):
    """Moves a dataset to another file, and links to it."""
    with h5py.File(path, "r+") as file, h5py.File(target, "a") as other:
        file.copy(name, other)
        shape, dtype = file[name].shape, file[name].dtype
        del file[name]
        if link == "external":
            file[name] = h5py.ExternalLink(str(target), name)
        else:
            layout = h5py.VirtualLayout(shape, dtype)
            layout[:] = h5py.VirtualSource(str(target), name, shape)
            file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("link", ["external", "virtual"])
def test_shapes_and_predictions_whose_data_is_linked(tmp_path, link):
    chair = load_taxonomy("Chair")
    write_split(tmp_path / "root", "Chair", "train", [generate_shape("Chair", 0, i, 50) for i in range(2)], chair)
    wanted = list(read_split(tmp_path / "root", "Chair", "train"))
    path = tmp_path / "root/ins_seg_h5/Chair/train-00.h5"
    move_to(path, "nor", tmp_path / "root/normals.h5", link)
    found = list(read_split(tmp_path / "root", "Chair", "train"))
    np.testing.assert_array_equal([shape.normals for shape in found], [shape.normals for shape in wanted])
    move_to(path, "label", tmp_path / "labels.h5", link)
    with pytest.raises(ValueError, match="'label' leads to .*labels.h5, which is outside of the data folder"):
        list(read_split(tmp_path / "root", "Chair", "train"))

    predictions = tmp_path / "predictions"
    predictions.mkdir()
    with h5py.File(predictions / "test-00.h5", "w") as file:
        file["mask"], file["valid"] = np.ones((2, 3, 20), np.uint8), np.ones((2, 3), np.uint8)
        file["conf"], file["label"] = np.ones((2, 3), np.float64), np.ones((2, 3), np.int64)
    assert [shape.mask.dtype for shape in read_predictions(predictions)] == [bool] * 2
    move_to(predictions / "test-00.h5", "mask", tmp_path / "masks.h5", link)
    with pytest.raises(ValueError, match="'mask' leads to .*masks.h5, which is outside"):
        list(read_predictions(predictions))
