import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from colliderfm.data.event_schema import GLOBAL_FEATURES, OBJECT_FEATURES
from colliderfm.data.table_check import check_table
from colliderfm.data.toys import toy_columns
from colliderfm.data.writing import columns_to_table
from colliderfm.errors import DataError

TABLE = columns_to_table(toy_columns("tt", 40, seed=0))


def with_column(name, array):
    return TABLE.set_column(TABLE.column_names.index(name), name, array)


def with_value(name, row, value, position=0):
    """Replace one value of one event."""
    column = TABLE.column(name).to_pylist()
    if isinstance(column[row], list):
        column[row][position] = value
    else:
        column[row] = value
    return with_column(name, pa.array(column, TABLE.schema.field(name).type))


def refusal(table, **options):
    with pytest.raises(DataError) as caught:
        check_table(table, "set/tt/part.parquet", **options)
    assert caught.value.exit_code == 3
    return caught.value


def test_toy_events_are_valid():
    check_table(TABLE, "toy")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("energy_gev", -1.0),
        ("energy_gev", float("nan")),
        ("pt_gev", float("inf")),
        ("eta", 12.0),
        ("phi", 3.2),
        ("btag", 1.5),
        ("charge", -2.0),
        ("met_gev", -0.5),
        ("met_phi", float("nan")),
        ("n_jet", 19),
        ("mass_visible_gev", -1.0),
        ("weight", float("inf")),
        ("decay", 99),
        ("assignment", 18),
        ("assignment", -2),
        ("resonance_px_gev", float("nan")),
        ("invisible_energy_gev", -3.0),
    ],
)
def test_a_bad_value_is_refused_with_file_column_and_row(column, value):
    error = refusal(with_value(column, 17, value))
    assert error.what == f"set/tt/part.parquet: column {column}, row 17"
    assert str(value) in str(error.got)


def test_the_first_of_several_bad_rows_is_named():
    energies = TABLE.column("met_gev").to_numpy().copy()
    energies[[9, 30]] = -1.0
    assert "row 9" in refusal(with_column("met_gev", pa.array(energies))).what


def test_rows_are_counted_from_the_start_of_the_file():
    assert "row 2003" in refusal(with_value("met_gev", 3, -1.0), first_row=2000).what


def test_a_bad_value_behind_an_empty_event_has_the_right_row():
    empty_first = columns_to_table(toy_columns("qcd", 1, seed=0))
    lists = {name: [[], [], [1.0]] for name in OBJECT_FEATURES} | {"energy_gev": [[], [], [-1.0]]}
    scalars = {name: np.zeros(3, np.float32) for name in GLOBAL_FEATURES}
    scalars |= {name: np.zeros(3, np.int8) for name in GLOBAL_FEATURES[2:5]}
    columns = lists | scalars | {"process": ["qcd"] * 3, "event_id": ["a", "b", "c"]}
    columns |= {"weight": np.ones(3, np.float32)}
    types = {f.name: f.type for f in empty_first.schema}
    table = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    assert refusal(table).what.endswith("column energy_gev, row 2")


def test_nineteen_objects_are_refused():
    long = {name: [[1.0]] * 5 + [[1.0] * 19] + [[1.0]] * 34 for name in OBJECT_FEATURES}
    table = TABLE
    for name, values in long.items():
        position = table.column_names.index(name)
        table = table.set_column(position, name, pa.array(values, pa.list_(pa.float32())))
    error = refusal(table)
    assert "row 5" in error.what
    assert (error.got, error.need) == ("19 objects", "at most 18")


def test_an_unknown_process_is_refused_by_name():
    error = refusal(with_value("process", 4, "ttz"))
    assert "column process, row 4" in error.what
    assert error.got == "ttz"
    assert "tth" in error.need


def test_an_empty_event_id_is_refused():
    assert "column event_id, row 8" in refusal(with_value("event_id", 8, "")).what


@pytest.mark.parametrize("column", ["met_gev", "energy_gev", "event_id", "decay"])
def test_a_null_event_is_refused(column):
    assert (
        f"column {column}, row 6"
        in refusal(
            with_column(
                column,
                pa.array(
                    [None if i == 6 else v for i, v in enumerate(TABLE.column(column).to_pylist())],
                    TABLE.schema.field(column).type,
                ),
            )
        ).what
    )


def test_a_null_inside_a_list_is_refused():
    assert "column eta, row 11" in refusal(with_value("eta", 11, None)).what


@pytest.mark.parametrize(
    ("column", "arrow_type"),
    [
        ("met_gev", pa.string()),
        ("n_jet", pa.float32()),
        ("weight", pa.int32()),
        ("event_id", pa.int64()),
    ],
)
def test_a_wrong_type_is_refused(column, arrow_type):
    error = refusal(with_column(column, pa.nulls(len(TABLE), arrow_type)))
    assert f"column {column} has the wrong type" in error.what
    assert error.got == arrow_type


def test_a_scalar_where_a_list_belongs_is_refused():
    column = pa.array(np.ones(len(TABLE), np.float32))
    assert "wrong type" in refusal(with_column("pt_gev", column)).what


def test_double_precision_and_wider_integers_are_taken():
    check_table(with_column("met_gev", TABLE.column("met_gev").cast(pa.float64())), "toy")
    check_table(with_column("n_jet", TABLE.column("n_jet").cast(pa.int64())), "toy")
    check_table(with_column("process", TABLE.column("process").cast(pa.string())), "toy")


@pytest.mark.parametrize("column", ["btag", "ht_gev", "event_id", "assignment", "invisible_px_gev"])
def test_a_missing_column_is_named(column):
    assert refusal(TABLE.drop_columns([column])).what.endswith(f"column {column} is missing")


def test_data_without_any_truth_is_valid():
    known = [*OBJECT_FEATURES, *GLOBAL_FEATURES, "process", "weight", "event_id"]
    check_table(TABLE.select(known), "toy")


def test_a_column_that_is_there_twice_is_refused():
    table = TABLE.append_column("met_gev", TABLE.column("met_gev"))
    assert "met_gev is there twice" in refusal(table).what


def test_object_lists_of_different_length_are_refused():
    lists = TABLE.column("eta").to_pylist()
    lists[21] = lists[21][:-1]
    assert (
        "column eta, row 21"
        in refusal(with_column("eta", pa.array(lists, pa.list_(pa.float32())))).what
    )


def test_an_assignment_that_does_not_fit_its_decays_is_refused():
    lists = TABLE.column("assignment").to_pylist()
    lists[2] = lists[2][:-1]
    error = refusal(with_column("assignment", pa.array(lists, pa.list_(pa.int8()))))
    assert "column assignment, row 2" in error.what
    assert (error.got, error.need) == ("4 values", "5, as decay says")


def test_a_slot_without_an_object_is_refused():
    n_objects = pc.list_value_length(TABLE.column("energy_gev")).to_pylist()
    error = refusal(with_value("assignment", 13, n_objects[13], position=1))
    assert "column assignment, row 13" in error.what
    check_table(with_value("assignment", 13, n_objects[13] - 1, position=1), "toy")


def test_resonances_and_decays_are_equally_many():
    lists = TABLE.column("resonance_px_gev").to_pylist()
    lists[1] = lists[1] * 2
    bad = with_column("resonance_px_gev", pa.array(lists, pa.list_(pa.float32())))
    assert "column resonance_px_gev, row 1" in refusal(bad).what


def test_unknown_columns_and_negative_weights_are_accepted():
    check_table(TABLE.append_column("ip3d_cm", pa.nulls(len(TABLE), pa.float32())), "toy")
    check_table(with_value("weight", 0, -2.5), "toy")
