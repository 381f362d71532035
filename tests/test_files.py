import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

import minirnn as mr
from minirnn import files


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.npz"
    mr.Network.random(2, 4, 1, rng=0).save(path)
    return path


def test_a_failed_write_leaves_the_old_file_and_no_other(saved):
    before = saved.read_bytes()

    def fail(file):
        file.write(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        files.write_atomically(saved, fail)
    assert saved.read_bytes() == before
    assert [p.name for p in saved.parent.iterdir()] == ["net.npz"]


def test_saving_replaces_and_keeps_the_exact_name(tmp_path):
    path = tmp_path / "no_ending"
    for seed in (0, 1):
        mr.Network.random(2, 4, 1, rng=seed).save(path)
    np.testing.assert_array_equal(mr.Network.load(path).weights.W_rec, mr.Network.random(2, 4, 1, rng=1).weights.W_rec)
    assert [p.name for p in tmp_path.iterdir()] == ["no_ending"]


def test_objects_are_refused_on_the_way_out(tmp_path):
    with pytest.raises(TypeError, match="thing has dtype object"):
        files.write_npz(tmp_path / "f.npz", {"thing": np.array([None])})
    with pytest.raises(ValueError):
        files.write_json(tmp_path / "f.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_truncated_and_foreign_files_give_a_clear_error(saved, tmp_path):
    whole = saved.read_bytes()
    bad = tmp_path / "bad.npz"
    for content in (b"", b"not a zip", whole[: len(whole) // 2], whole[:-30], whole[:200] + b"\xff" * 50 + whole[250:]):
        bad.write_bytes(content)
        with pytest.raises(ValueError, match=r"bad\.npz"):
            mr.Network.load(bad)
    np.save(bad.with_suffix(".npy"), np.zeros(3))
    with pytest.raises(ValueError, match=r"bad\.npy can not be read"):
        mr.Network.load(bad.with_suffix(".npy"))
    with pytest.raises(FileNotFoundError):
        mr.Network.load(tmp_path / "absent.npz")


def test_pickled_arrays_are_refused(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, W_in=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ValueError, match=r"objects\.npz can not be read"):
        mr.Network.load(path)


def test_files_that_are_no_sound_network(saved, tmp_path):
    good = {name: np.asarray(value) for name, value in files.read_npz(saved).items()}
    path = tmp_path / "other.npz"
    for change, message in (
        ({"W_rec": None}, "does not hold a network: W_rec missing"),
        ({"W_in": np.zeros((3, 2), np.float32)}, r"W_in must be \(4, I\)"),
        ({"W_out": np.full((1, 4), np.nan, np.float32)}, "W_out must be finite"),
        ({"phi": np.array("elu")}, "phi must be one of"),
        ({"phi": np.array(["tanh", "relu"])}, "phi must be a single value"),
        ({"tau": np.array("ten")}, "tau"),
        ({"dt": np.array([1.0, 2.0])}, "dt must be a single value"),
    ):
        np.savez(path, **{name: value for name, value in (good | change).items() if value is not None})
        with pytest.raises(ValueError, match=message):
            mr.Network.load(path)
    with pytest.raises(ValueError, match="W_in_initial, W_rec_initial, W_out_initial missing"):
        mr.Network.load(saved, initial=True)


def header(shape, descr="<f8"):
    """An .npy header of version 1 that claims this shape."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


@pytest.mark.parametrize(
    "member, told",
    [
        (header((10**6, 10**6)) + bytes(100), "claims a shape"),
        (header((2**62, 2**62)) + bytes(100), "claims a shape"),
        (header((-1, 4)) + bytes(100), "claims a shape"),
        (header((4,), "|O") + bytes(100), "dtype object"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 60000) + b"{" * 60000, "can not be read"),
        (b"\x93NUMPY\x09\x00" + bytes(100), "can not be read"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 20) + b"__import__('os')    ", "can not be read"),
        (b"plain text", "can not be read"),
        (b"", "can not be read"),
    ],
)
def test_members_that_claim_what_they_do_not_hold(tmp_path, member, told):
    path = tmp_path / "hostile.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("W_rec.npy", member)
    with pytest.raises(ValueError, match=told) as caught:
        mr.Network.load(path)
    assert "hostile.npz" in str(caught.value)


def test_a_bomb_is_not_unpacked(tmp_path):
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("W_rec.npy", "w", force_zip64=True) as file:
            file.write(header((12000, 12000)))
            for _ in range(12000 * 12000 * 8 // 2**24 + 1):
                file.write(bytes(2**24))
    assert path.stat().st_size < 2**25
    tracemalloc.start()
    with pytest.raises(ValueError, match="W_rec would unpack to"):
        mr.Network.load(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**22


def test_compressed_files_can_be_read(saved, tmp_path):
    np.savez_compressed(tmp_path / "small.npz", **files.read_npz(saved))
    np.testing.assert_array_equal(mr.Network.load(tmp_path / "small.npz").weights.W_rec, mr.Network.load(saved).weights.W_rec)


def test_any_flipped_bytes_give_a_network_or_a_clear_error(saved, tmp_path):
    whole = saved.read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "spoilt.npz"
    for _ in range(500):
        spoilt = bytearray(whole)
        for place in rng.integers(len(whole), size=3):
            spoilt[place] ^= int(rng.integers(1, 256))
        path.write_bytes(spoilt)
        try:
            mr.Network.load(path)
        except ValueError as error:
            assert "spoilt.npz" in str(error)
