import numpy as np
import pytest
from density_files import HIGH_Q, IDS, LOW_Q, X, block, grid_text, two_blocks

from colliderfm.data.density_grids import read_subgrids
from colliderfm.errors import DataError


def read(tmp_path, text):
    path = tmp_path / "grid_0000.dat"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_subgrids(path)[0]


def test_blocks_hold_knots_ids_and_values(tmp_path):
    low, high = read(tmp_path, two_blocks())
    assert low.pdg_ids == IDS
    assert low.q_gev.tolist() == list(LOW_Q)
    assert high.values.shape == (len(X), len(HIGH_Q), len(IDS))


def test_a_knot_that_is_printed_twice_counts_once(tmp_path):
    (grid,) = read(tmp_path, grid_text(block(HIGH_Q, x=np.concatenate([X[:1], X]))))
    np.testing.assert_allclose(grid.x, X)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no block"),
        ("<html>not found</html>", "no block"),
        (b"\xff\xfe\x00---", "cannot read"),
        (two_blocks()[:-4], "cut short"),
        (two_blocks()[:2000], "cut short"),
        (grid_text("1 2\n"), "block 1 has 1 lines"),
        (grid_text(block(HIGH_Q).rsplit("\n", 2)[0] + "\n"), "values in block 1"),
        (grid_text(block(HIGH_Q).replace("e-", "x-", 1)), "numbers only"),
        (grid_text(block(HIGH_Q[::-1])), "Q knots"),
        (grid_text(block(HIGH_Q, x=X[::-1])), "x knots"),
        (grid_text(block(HIGH_Q, x=2.0 * X)), "x of at most 1"),
        (grid_text(block(HIGH_Q, ids=(1, 2, 3, 21))), "without partons"),
        (grid_text(block(LOW_Q), block(HIGH_Q[1:])), "block 2 starts at Q = 10"),
        (grid_text(block(HIGH_Q) + "1.0 2.0\n"), "values in block 1"),
    ],
)
def test_wrong_and_partial_files_are_refused(tmp_path, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code == 3
    assert "grid_0000.dat" in str(caught.value)


def test_a_value_that_is_no_number_is_refused(tmp_path):
    lines = block(HIGH_Q).splitlines()
    lines[10] = " ".join(["nan"] * len(IDS))
    with pytest.raises(DataError, match="NaN"):
        read(tmp_path, grid_text("\n".join(lines) + "\n"))
