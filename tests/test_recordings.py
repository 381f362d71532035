"""WAV files of every kind, sound, odd and damaged, read by `signals.wav` and through the command line."""

import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from minirnn import cli, plots
from minirnn.signals import envelope, wav

RATE = 8000


def song(rate=RATE):
    """Three similar tones of 100 ms, a rising frequency in each, with silence between."""
    t = np.arange(int(0.1 * rate)) / rate
    tone = 0.5 * np.hanning(len(t)) * np.sin(2 * np.pi * (1000 * t + 2500 * t**2))
    gap = np.zeros(int(0.05 * rate))
    return np.concatenate([gap, tone, gap, 0.8 * tone, gap, gap, tone, gap])


def pcm(data, bits, channels=1, rate=RATE, form=1, order="<", before=b"", after=b""):
    """The bytes of a WAV file with these bytes of samples."""
    block = channels * ((bits + 7) // 8)
    fmt = struct.pack(f"{order}HHIIHH", form, channels, rate, rate * block, block, bits)
    size = struct.pack(f"{order}I", len(data))
    body = b"WAVE" + before + b"fmt " + struct.pack(f"{order}I", 16) + fmt + b"data" + size + data + b"\0" * (len(data) % 2) + after
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", len(body)) + body


def written(s, dtype):
    """The bytes of a file that scipy writes."""
    file = io.BytesIO()
    wavfile.write(file, RATE, s.astype(dtype))
    return file.getvalue()


def bytes24(s, order="<"):
    whole = np.rint(s * 2**23).astype(f"{order}i4")
    octets = whole.view(np.uint8).reshape(-1, 4)
    return (octets[:, :3] if order == "<" else octets[:, 1:]).tobytes()


def sound_files():
    s = song()
    stereo = np.stack([s, -0.5 * s], axis=1)
    return {
        "8 bits": (written(128 + np.rint(127 * s), np.uint8), 1 / 127, 8),
        "16 bits": (written(np.rint(32768 * s), np.int16), 1 / 32768, 16),
        "24 bits": (pcm(bytes24(s), 24), 2**-23, 24),
        "24 bits, big-endian": (pcm(bytes24(s, ">"), 24, order=">"), 2**-23, 24),
        "32 bits": (written(np.rint(2**31 * s), np.int32), 2**-31, 32),
        "float": (written(s, np.float32), 1e-7, 32),
        "double": (written(s, np.float64), 0, 64),
        "stereo": (written(np.rint(32768 * stereo), np.int16), 1 / 32768, 16),
        "stereo, 24 bits": (pcm(bytes24(stereo.ravel()), 24, 2), 2**-23, 24),
        "other chunks": (pcm(bytes24(s), 24, before=b"cue \3\0\0\0abc\0", after=b"LIST\4\0\0\0INFO"), 2**-23, 24),
    }


@pytest.mark.parametrize("kind", sound_files())
def test_every_kind_of_samples_is_read_in_units_of_full_scale(kind, tmp_path):
    content, step, bits = sound_files()[kind]
    (tmp_path / "a.wav").write_bytes(content)
    found = wav.read(tmp_path / "a.wav")
    assert (found.rate, found.bits) == (RATE, bits)
    np.testing.assert_allclose(found.samples, song(), atol=1.01 * step)
    assert found.samples.dtype == np.float64
    assert found.channels == (2 if "stereo" in kind else 1)
    if "stereo" in kind:
        np.testing.assert_allclose(wav.read(tmp_path / "a.wav", 1).samples, -0.5 * song(), atol=1.01 * step)


def test_full_scale_is_minus_one(tmp_path):
    for name, low, dtype in (("a", 0, np.uint8), ("b", -32768, np.int16), ("c", -(2**31), np.int32)):
        wavfile.write(tmp_path / f"{name}.wav", RATE, np.array([low, low], dtype))
        np.testing.assert_array_equal(wav.read(tmp_path / f"{name}.wav").samples, [-1.0, -1.0])


WHOLE = sound_files()["16 bits"][0]
DAMAGED = {
    "empty": (b"", "is empty: it has no bytes"),
    "no samples": (pcm(b"", 16), "holds no samples"),
    "cut in its samples": (WHOLE[:-100], "is cut short: 8700 of 8800 bytes of samples are there"),
    "cut in its header": (WHOLE[:40], "is cut short: it ends before its samples"),
    "cut at once": (WHOLE[:6], "is cut short: it ends before its samples"),
    "a text": (b"these are words, not sounds", "is not a WAV file: it begins with b'these are wo'"),
    "another RIFF": (b"RIFF\4\0\0\0AVI LIST", "is not a WAV file"),
    "compressed": (pcm(b"abcd", 16, form=2), "can not be read as a WAV file: Unknown wave file format"),
    "no channels": (WHOLE[:22] + b"\0\0" + WHOLE[24:], "has a damaged header: 0 channels"),
    "no rate": (WHOLE[:24] + b"\0\0\0\0" + WHOLE[28:], "at 0 Hz"),
    "samples before their format": (WHOLE[:12] + WHOLE[36:], "its samples come before their format"),
    "half a sample": (pcm(b"abc", 16, 2), "can not be read as a WAV file"),
    "NaN": (written(np.array([0.0, np.nan]), np.float32), "holds NaN or infinity"),
}


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_file_is_told_by_all_three_commands(kind, tmp_path, capsys):
    content, message = DAMAGED[kind]
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        wav.read(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    for command in ("envelope", "pitch", "align"):
        assert cli.main([command, str(path), "--out", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err
        assert message in said
        assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@given(st.data())
def test_no_damage_gives_another_error_than_that_of_the_file(data):
    stereo = pcm(bytes24(song()[:80]), 24, 2)
    content = bytearray(data.draw(st.sampled_from([WHOLE[:400], stereo, written(song()[:40], "f4")])))
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):  # a length that fits, so that scipy sees the rest
        content[40:44] = struct.pack("<I", len(content) - 44)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.wav"
        path.write_bytes(content)
        try:
            assert np.isfinite(wav.read(path).samples).all()
        except ValueError as error:
            assert str(path) in str(error)


def test_a_channel_that_is_not_there_and_a_file_that_is_not_there(tmp_path, capsys):
    (tmp_path / "a.wav").write_bytes(WHOLE)
    with pytest.raises(ValueError, match="channel must be from 0 to 0"):
        wav.read(tmp_path / "a.wav", 1)
    with pytest.raises(TypeError, match="channel must be an integer, got float"):
        wav.read(tmp_path / "a.wav", 0.0)
    assert cli.main(["pitch", str(tmp_path / "b.wav")]) == 2
    assert "b.wav" in capsys.readouterr().err


# ---- the commands


@pytest.fixture
def song_file(tmp_path):
    path = tmp_path / "song.wav"
    wavfile.write(path, RATE, np.rint(32767 * song()).astype(np.int16))
    return path


def read_csv(path):
    head, *rows = path.read_text().splitlines()
    return head.split(","), [row.split(",") for row in rows]


def test_envelope_leaves_a_figure_the_arrays_and_a_sweep(song_file, tmp_path, capsys):
    out = tmp_path / "deep" / "out"
    assert cli.main(["envelope", str(song_file), "--lowest", "1000", "--cutoff", "200", "--sweep", "--out", str(out)]) == 0
    assert sorted(p.name for p in out.iterdir()) == ["song_envelope.npz", "song_envelope.png", "song_sweep.csv", "song_sweep.png"]
    with np.load(out / "song_envelope.npz") as found:
        s = wav.read(song_file).samples
        np.testing.assert_array_equal(found["signal"], s)
        np.testing.assert_array_equal(found["envelope"], envelope.peak_envelope(s, RATE, peak_window=8, cutoff_hz=200.0))
        np.testing.assert_allclose(found["time"], np.arange(len(s)) / RATE)
    head, rows = read_csv(out / "song_sweep.csv")
    assert head == ["peak_window", "cutoff_hz", "miss", "humps"]
    assert len(rows) == 25
    printed = capsys.readouterr().out
    assert "one period of 1000 Hz" in printed
    table = [line.split() for line in printed.splitlines()]
    miss = {words[0]: float(words[1]) for words in table if words[0] in ("peaks", "low-pass", "RMS")}
    assert miss["peaks"] < 0.1 < min(miss["RMS"], miss["low-pass"])


def test_the_authors_cut_is_half(song_file, tmp_path):
    for name, more in (("a", ["--cutoff", "300", "--authors-cutoff"]), ("b", ["--cutoff", "150"])):
        assert cli.main(["envelope", str(song_file), *more, "--out", str(tmp_path / name)]) == 0
    one, other = (np.load(tmp_path / name / "song_envelope.npz")["envelope"] for name in "ab")
    np.testing.assert_allclose(one, other)


def test_pitch_leaves_a_figure_and_each_moment(song_file, tmp_path, capsys):
    assert cli.main(["pitch", str(song_file), "--start", "0.05", "--stop", "0.15", "--out", str(tmp_path)]) == 0
    head, rows = read_csv(tmp_path / "song_pitch.csv")
    assert head == ["time_s", "f0_hz", "power_counts2_per_hz"]
    kept = np.array([[float(t), float(f)] for t, f, p in rows if float(p) > 700])
    assert len(kept) > 25
    assert np.abs(kept[:, 1] - (1000 + 5000 * (kept[:, 0] - 0.05))).max() <= 125  # within a bin
    assert all(f == "" for _, f, p in rows if float(p) <= 700)
    assert (tmp_path / "song_pitch.png").read_bytes()[:4] == b"\x89PNG"
    assert "resolution is 125 Hz" in capsys.readouterr().out


@pytest.mark.parametrize("waveform", [[], ["--waveform"]])
def test_align_leaves_a_figure_lags_and_the_mean(song_file, tmp_path, capsys, waveform):
    assert cli.main(["align", str(song_file), *waveform, "--rounds", "2", "--out", str(tmp_path)]) == 0
    head, rows = read_csv(tmp_path / "song_align.csv")
    assert head == ["segment", "start_s", "stop_s", "lag_ms", "peak_ms", "correlation", "kept"]
    starts, lags = (np.array([float(row[k]) for row in rows]) for k in (1, 3))
    np.testing.assert_allclose(np.diff(starts + lags / 1000), [0.15, 0.2], atol=1.1 / RATE)  # the tones' own distance
    assert [row[6] for row in rows] == ["1", "1", "1"]
    with np.load(tmp_path / "song_align.npz") as found:
        assert found["aligned"].shape == (3, len(found["mean"]))
    assert (tmp_path / "song_align.png").read_bytes()[:4] == b"\x89PNG"
    printed = capsys.readouterr().out
    assert "3 of 3 segments are averaged" in printed
    assert "reference" in printed


def test_what_correlates_too_little_is_left_out(song_file, tmp_path, capsys):
    other = np.random.default_rng(0).integers(-9000, 9000, 1200).astype(np.int16)
    rate, data = wavfile.read(song_file)
    wavfile.write(song_file, rate, np.concatenate([data, other]))
    assert cli.main(["align", str(song_file), "--waveform", "--out", str(tmp_path)]) == 0
    assert "left out" in capsys.readouterr().out


def test_silence_and_one_sample_work_or_say_why_not(tmp_path, capsys):
    path = tmp_path / "a.wav"
    for n, pitch_error in ((4000, None), (1, "s must have at least a window, 64 samples of 8 ms, got 1")):
        wavfile.write(path, RATE, np.zeros(n, np.int16))
        assert cli.main(["envelope", str(path), "--out", str(tmp_path)]) == 0
        assert "can not be told: s must have a peak, got none" in capsys.readouterr().out
        assert cli.main(["pitch", str(path), "--out", str(tmp_path)]) == (0 if pitch_error is None else 2)
        said = capsys.readouterr()
        assert "0 of 165 moments" in said.out if pitch_error is None else pitch_error in said.err
        assert cli.main(["align", str(path), "--out", str(tmp_path)]) == 2
        assert "has no segment of 10 ms above the threshold" in capsys.readouterr().err
    wavfile.write(path, RATE, np.array([5], np.int16))
    assert cli.main(["envelope", str(path), "--out", str(tmp_path)]) == 0
    assert np.load(tmp_path / "a_envelope.npz")["envelope"] == pytest.approx(5 / 32768)
    assert cli.main(["envelope", str(path), "--sweep", "--out", str(tmp_path)]) == 2
    assert "s must have a peak" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["envelope", "--start", "2"], "--start must be from 0 to below --stop, 0.55 s, got 2"),
        (["envelope", "--start", "-1"], "--start must be from 0"),
        (["envelope", "--start", "0.54999", "--stop", "3"], "hold no sample"),
        (["envelope", "--cutoff", "5000"], "cutoff_hz must be between 0 and 4000, got 5000"),
        (["envelope", "--peak-window", "0"], "peak_window must be from 1"),
        (["envelope", "--lowest", "0"], "lowest_hz must be between 0 and inf"),
        (["pitch", "--lowest", "5000"], "lowest_hz and highest_hz must have a frequency"),
        (["pitch", "--threshold", "-1"], "threshold must be from 0"),
        (["align", "--threshold", "2"], "threshold must be from 0 to 1"),
        (["align", "--channel", "1"], "channel must be from 0 to 0"),
    ],
)
def test_wrong_options_are_told_in_one_line(song_file, capsys, arguments, message):
    command, *more = arguments
    assert cli.main([command, str(song_file), *more]) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


# ---- pictures


def test_pictures_show_the_arrays_they_are_given():
    _, axes = plots.figure(2, 2, 8, 6)
    t = np.arange(5.0)
    plots.waveform(axes[0, 0], t, t - 2, {"a": (t, t), "b": (t[1:], t[1:])}, spans=np.array([[1.0, 2.0]]))
    lines = axes[0, 0].get_lines()
    assert [line.get_label() for line in lines[1:]] == ["a", "b"]
    np.testing.assert_array_equal(lines[0].get_ydata(), t - 2)
    assert axes[0, 0].get_legend() is not None
    segments = np.stack([t, t + 1])
    plots.aligned(axes[0, 1], t, segments, np.array([True, False]), t, np.ones(5))
    assert [text.get_text() for text in axes[0, 1].get_legend().get_texts()] == ["segments", "left out", "mean and deviation"]
    axes[0, 1].clear()
    plots.aligned(axes[0, 1], t, segments, np.array([True, True]), t)
    assert [text.get_text() for text in axes[0, 1].get_legend().get_texts()] == ["segments", "mean"]
    values = np.arange(6.0).reshape(2, 3)
    image = plots.sweep(axes[1, 0], np.array([5, 10]), np.array([100.0, 200.0, 400.0]), values, chosen=(10, 200))
    np.testing.assert_array_equal(image.get_array(), np.arange(6.0).reshape(2, 3))
    assert axes[1, 0].patches[0].get_xy() == (0.5, 0.5)
    plots.sweep(axes[1, 0], np.array([5]), np.array([100.0]), np.ones((1, 1)))
    power = np.array([[1e-9, 1.0], [1.0, 0.1]])
    image = plots.pitch(axes[1, 1], np.array([0.1, 0.2]), np.array([0.0, 125.0]), power, np.array([125.0, np.nan]))
    np.testing.assert_allclose(image.get_array(), [[-60, 0], [0, -10]])
    assert image.get_extent() == pytest.approx([0.05, 0.25, -62.5, 187.5])
    silent = plots.pitch(axes[1, 1], np.array([0.1]), np.array([0.0, 125.0]), np.zeros((2, 1)))
    np.testing.assert_array_equal(silent.get_array(), -60)
    one = np.zeros(1)
    plots.waveform(axes[0, 0], one, one, {"a": (one, one)})
    plots.aligned(axes[0, 1], one, np.zeros((1, 1)), np.array([True]))
    plots.lags(axes[1, 0], t, t + 1)
    np.testing.assert_array_equal(axes[1, 0].get_lines()[-1].get_ydata(), t + 1)
