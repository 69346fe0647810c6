import pyarrow as pa

from colliderfm.data.event_schema import (
    EVENT_SCHEMA,
    GLOBAL_FEATURES,
    MAX_OBJECTS,
    OBJECT_FEATURES,
    PROCESS_INDEX,
    PROCESSES,
)


def test_object_and_global_columns_follow_the_feature_order():
    assert EVENT_SCHEMA.names("object") == OBJECT_FEATURES
    assert EVENT_SCHEMA.names("global") == GLOBAL_FEATURES


def test_pretraining_classes_come_first_so_that_an_index_is_a_class():
    expected = ["qcd", "tt", "tth", "single_top", "wjets", "zjets", "ww", "wz", "zz", "hww"]
    assert list(PROCESSES[:10]) == expected
    assert PROCESS_INDEX["hww"] == 9


def test_every_dimensional_column_ends_in_its_unit():
    for column in EVENT_SCHEMA.columns:
        assert column.name.endswith("_gev") == (column.unit == "GeV"), column.name


def test_every_column_is_documented():
    assert all(column.doc for column in EVENT_SCHEMA.columns)


def test_only_detector_level_floats_are_rounded():
    rounded = {column.name for column in EVENT_SCHEMA.columns if column.is_rounded}
    assert {"energy_gev", "met_gev", "phi"} <= rounded
    assert not rounded & {"weight", "n_jet", "resonance_px_gev", "m_a_gev"}


def test_slot_limits_agree_with_the_number_of_objects():
    assert EVENT_SCHEMA.find("assignment").high == MAX_OBJECTS - 1
    assert EVENT_SCHEMA.find("resonance_mask").high == 2**MAX_OBJECTS - 1


def test_unknown_names_are_not_found():
    assert EVENT_SCHEMA.find("ip3d_cm") is None
    assert EVENT_SCHEMA.find("process").arrow_type == pa.dictionary(pa.int8(), pa.string())
