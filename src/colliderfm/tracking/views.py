"""The saved view of an experiment: one address that opens the comparison, seeds averaged.

MLflow keeps a shared view as an experiment tag with the state of the runs page. The format is not
documented: keys and values here were checked against the pinned version in a browser. Charts are
left to MLflow, which makes one per metric.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from colliderfm.tracking.runs import iterate_runs
from colliderfm.tracking.store import client, experiment_id, guard, tracking_uri

VIEW_TAG_PREFIX = "mlflow.sharedViewState."
LOCAL_SERVER = "http://127.0.0.1:5000"


def save_view(
    experiment: str,
    key: str,
    columns: Sequence[str],
    group_by: Sequence[str],
    order_by: str | None = None,
    *,
    search: str = "tags.stage = 'finetune'",
    charts: str | None = None,
) -> str:
    """Save a grouped view of an experiment's runs.

    Parameters
    ----------
    experiment : str
        Experiment.
    key : str
        Name of the view, part of its address.
    columns : sequence of str
        Shown columns as ``"params.init"``, ``"metrics.test/auc"``, ``"tags.stage"``,
        ``"attributes.Dataset"``.
    group_by : sequence of str
        Parameters whose equal values form a group; metrics of a group are averaged.
    order_by : str, optional
        Metric or parameter column that sorts the groups; the first metric by default.
    search : str
        Filter of the runs in MLflow's search language; by default the runs that are compared.
    charts : str, optional
        Regular expression of the charts shown; by default those of the metrics in ``columns``.

    Returns
    -------
    str
        Address of the page, on the server in use or on the one that ``make ui`` starts.
    """
    number = experiment_id(experiment)
    metrics = [name for name in columns if name.startswith("metrics.")]
    shown = "|".join(re.escape(name.removeprefix("metrics.")) for name in metrics)
    state = {
        **_page_state(),
        "selectedColumns": [_quoted(name) for name in columns],
        "orderByKey": _quoted(order_by or [*metrics, *columns][0]),
        "orderByAsc": False,
        "searchFilter": search,
        "chartsSearchFilter": f"^({shown})$" if charts is None else charts,
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "param", "groupByData": name} for name in group_by],
        },
        "groupsExpanded": dict.fromkeys(_group_ids(experiment, group_by), False),
    }
    with guard("save a view in"):
        client().set_experiment_tag(number, VIEW_TAG_PREFIX + key, json.dumps(state))
    return view_url(number, key)


def view_url(experiment_number: str, key: str) -> str:
    """Return the address of a saved view.

    >>> view_url("3", "scratch-vs-pretrained").partition("#")[2]
    '/experiments/3/runs?viewStateShareKey=scratch-vs-pretrained&compareRunsMode=CHART'
    """
    address = tracking_uri()
    server = address.rstrip("/") if address.startswith("http") else LOCAL_SERVER
    query = f"viewStateShareKey={key}&compareRunsMode=CHART"
    return f"{server}/#/experiments/{experiment_number}/runs?{query}"


def _quoted(name: str) -> str:
    """Write a column as the page does.

    >>> _quoted("params.init")
    'params.`init`'
    """
    kind, _, rest = name.partition(".")
    return f"{kind}.`{rest}`"


def _group_ids(experiment: str, group_by: Sequence[str]) -> list[str]:
    """Name the groups as the page does, to show them folded."""
    found = {
        tuple(run.data.params.get(name, "") for name in group_by)
        for run in iterate_runs([experiment])
    }
    return sorted(
        ",".join(f"param.{name}.{value}" for name, value in zip(group_by, values, strict=True))
        for values in found
        if any(values)
    )


def _page_state() -> dict[str, object]:
    """Return the parts of the page's state that are the same in every view."""
    return {
        "runsExpanded": {},
        "runsPinned": [],
        "runsHidden": [],
        "runsVisibilityMap": {},
        "runsHiddenMode": "FIRST_20_RUNS",
        "columnOrder": [],
        "columnWidths": {},
        "runListHidden": False,
        "viewMaximized": False,
        "isAccordionReordered": False,
        "hideEmptyCharts": True,
        "autoRefreshEnabled": True,
        "useGroupedValuesInCharts": True,
        "globalLineChartConfig": {
            "xAxisKey": "step",
            "lineSmoothness": 0,
            "selectedXAxisMetricKey": "",
        },
    }
