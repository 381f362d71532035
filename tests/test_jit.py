"""The cache guard: an import never fails for want of a folder to keep compiled kernels in."""

import stat

import numba
import pytest

from minirnn.kernels import _jit


@pytest.fixture
def without_folders(monkeypatch, tmp_path):
    """numba's njit as it behaves where neither the package nor the user's folder can be written, `works` times out of all."""
    monkeypatch.setattr(_jit.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")

    def install(temporary_works):
        def njit(*, cache, **options):
            def decorate(function):
                if cache and not (temporary_works and numba.config.CACHE_DIR):
                    raise RuntimeError("cannot cache function: no locator available")
                return (function, cache)

            return decorate

        monkeypatch.setattr(_jit, "njit", njit)

    return install


def function():
    pass


def test_a_private_temporary_folder_comes_first(without_folders, tmp_path):
    without_folders(temporary_works=True)
    with pytest.warns(RuntimeWarning, match="kept in"):
        assert _jit.kernel(set())(function) == (function, True)
    folder = _jit.private_folder()
    assert numba.config.CACHE_DIR == folder
    assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700


def test_then_no_cache_at_all_which_it_says(without_folders):
    without_folders(temporary_works=False)
    with pytest.warns(RuntimeWarning, match="compiled anew in each process"):
        assert _jit.kernel(set())(function) == (function, False)


def test_a_folder_that_others_may_write_to_is_not_trusted(without_folders, tmp_path):
    folder = tmp_path / _jit.private_folder()
    folder.chmod(0o777)
    assert _jit.private_folder() is None
    folder.rmdir()
    folder.write_text("not a folder")
    assert _jit.private_folder() is None
    without_folders(temporary_works=True)
    with pytest.warns(RuntimeWarning, match="compiled anew"):
        _jit.kernel(set())(function)
