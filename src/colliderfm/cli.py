"""All commands: parse, call one ``pipelines`` function, print its summary; nothing else.

Heavy imports stay inside the commands, so that ``--help`` and a wrong argument answer at once.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from colliderfm.config.load import load_params
from colliderfm.config.schema import Params
from colliderfm.errors import ColliderFMError, ConfigError, Interrupted

# What typer raises for a wrong option or argument.
UsageError = typer.BadParameter.__mro__[1]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
config_app = typer.Typer(no_args_is_help=True, help="Show or check the parameters.")
runs_app = typer.Typer(no_args_is_help=True, help="List, resume or clean up runs.")
registry_app = typer.Typer(no_args_is_help=True, help="Look at the registered models.")
data_app = typer.Typer(no_args_is_help=True, help="Check event sets.")
smeft_app = typer.Typer(no_args_is_help=True, help="Drell-Yan spectra: theory, retrieval.")
for name, group in (
    *(("config", config_app), ("runs", runs_app), ("registry", registry_app)),
    *(("data", data_app), ("smeft", smeft_app)),
):
    app.add_typer(group, name=name)

Overlays = Annotated[list[Path], typer.Option("--config", help="YAML file laid over params.yaml.")]
Assignments = Annotated[list[str], typer.Option("--set", help="One parameter, a.b=c.")]
StudyName = Annotated[str, typer.Option("--study", help="Name of the study.")]
EncoderAddress = Annotated[
    str, typer.Option("--encoder", help="Registered encoder or a folder; empty = the champion.")
]
Scheduler = Annotated[str, typer.Option(help="Address of a Dask scheduler.")]


def _params(overlays: list[Path], assignments: list[str]) -> Params:
    from colliderfm.config.project import project_root

    return load_params(project_root(), overlays, assignments)


def _show(summary: Any) -> None:
    typer.echo(str(summary))


@app.command(epilog="Example: colliderfm simulate --process tt --events 2000 --seed 1")
def simulate(
    process: Annotated[list[str], typer.Option(help="Process to simulate; repeatable.")] = [],
    set_: Annotated[
        list[str], typer.Option("--set", help="starter or workstation; or one parameter, a.b=c.")
    ] = [],
    scale: Annotated[float, typer.Option(help="Multiplies the events of a set.")] = 1.0,
    events: Annotated[int, typer.Option(help="Generated events of each --process.")] = 2000,
    seed: Annotated[int, typer.Option(help="First seed.")] = 1,
    mpi: Annotated[str, typer.Option(help="off, light or full; empty = params.yaml.")] = "",
    lhe: Annotated[str, typer.Option(help="Les Houches file with hard events.")] = "",
    workers: Annotated[int, typer.Option(help="Processes; 0 = params.yaml.")] = 0,
    scheduler: Scheduler = "",
    out: Annotated[str, typer.Option(help="Folder of the set; empty = below paths.corpora.")] = "",
    config: Overlays = [],
) -> None:
    """Simulate events with Pythia, FastJet and a parametrized detector."""
    from colliderfm.pipelines.simulate import SimulationRequest
    from colliderfm.pipelines.simulate import simulate as run

    # MLflow passes an unset option as an empty word.
    sets = [word for word in set_ if word and "=" not in word]
    named = tuple(word for word in process if word)
    request = SimulationRequest(
        named, "".join(sets[-1:]), scale, events, seed, mpi, lhe, workers, scheduler, out
    )
    _show(run(_params(config, [word for word in set_ if "=" in word]), request))


@app.command(epilog="Example: colliderfm replicas --out corpora/mine --set replicas.order=linear")
def replicas(
    out: Annotated[str, typer.Option(help="Folder; empty = pretrain.spectrum.set.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Write the corpus of universes and spectrum replicas."""
    from colliderfm.pipelines.replicas import replicas as run

    _show(run(_params(config, set_), out))


@app.command(epilog="Example: colliderfm pretrain --model event --seed 1")
def pretrain(
    model: Annotated[str, typer.Option(help="Model family.")] = "event",
    size: Annotated[str, typer.Option(help="Network size; empty = params.yaml.")] = "",
    variant: Annotated[str, typer.Option(help="Pretraining variant; empty = params.yaml.")] = "",
    seed: Annotated[int, typer.Option(help="Initial weights and order of events.")] = 0,
    out: Annotated[str, typer.Option(help="Folder for metrics and figures.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Pretrain an encoder and register it as candidate."""
    from colliderfm.pipelines.pretrain import PretrainRequest
    from colliderfm.pipelines.pretrain import pretrain as run

    chosen = [f"model.{model}.size={size}"] if size else []
    chosen += [f"pretrain.{model}.variant={variant}"] if variant else []
    _show(run(_params(config, set_ + chosen), PretrainRequest(model, seed, out)))


@app.command(epilog="Example: colliderfm finetune --study haa --init scratch --events 1000")
def finetune(
    study: StudyName,
    init: Annotated[
        str, typer.Option(help="pretrained, scratch or a baseline of the study.")
    ] = "pretrained",
    encoder: EncoderAddress = "",
    fraction: Annotated[float, typer.Option(help="Share of the training split.")] = 1.0,
    events: Annotated[int, typer.Option(help="Training events; 0 = use --fraction.")] = 0,
    seed: Annotated[int, typer.Option(help="Training subset and initial weights.")] = 0,
    data: Annotated[str, typer.Option(help="Event set; empty = params.yaml.")] = "",
    register: Annotated[bool, typer.Option(help="Register the fine-tuned model.")] = False,
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Train one arm of a study and test it once."""
    from colliderfm.pipelines.cell_command import FinetuneRequest
    from colliderfm.pipelines.finetune import finetune as run

    request = FinetuneRequest(study, init, encoder, fraction, events, seed, data, register)
    _show(run(_params(config, set_), request))


@app.command(epilog="Example: colliderfm evaluate --study haa --run 0123abcd --data corpora/mine")
def evaluate(
    study: Annotated[str, typer.Option("--study", help="Study of --run or --model.")] = "",
    run: Annotated[str, typer.Option(help="MLflow run id of a finetune run.")] = "",
    model: Annotated[str, typer.Option(help="Registered model or folder.")] = "",
    encoder: Annotated[str, typer.Option(help="Pretrained encoder to judge instead.")] = "",
    data: Annotated[str, typer.Option(help="Event set; empty = that of the training.")] = "",
    out: Annotated[str, typer.Option(help="Folder for figures of an encoder.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Test a trained model, or judge a pretrained encoder, on compatible data, as its own run."""
    from colliderfm.pipelines.evaluate import EvaluateRequest
    from colliderfm.pipelines.evaluate import evaluate as run_evaluate

    request = EvaluateRequest(study, run, model, encoder, data, out)
    _show(run_evaluate(_params(config, set_), request))


@app.command(epilog="Example: colliderfm sweep --study haa --init scratch --trials 6")
def sweep(
    study: StudyName,
    init: Annotated[str, typer.Option(help="scratch or pretrained.")] = "pretrained",
    encoder: EncoderAddress = "",
    trials: Annotated[int, typer.Option(help="Trials in all; 0 = params.yaml.")] = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0 = params.yaml.")] = 0,
    resume: Annotated[bool, typer.Option(help="Continue an earlier sweep.")] = True,
    scheduler: Scheduler = "",
    out: Annotated[str, typer.Option(help="Overlay file; empty = configs/sweeps/….")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Choose an arm's learning rates on validation, with Optuna."""
    from colliderfm.pipelines.sweep import SweepRequest
    from colliderfm.pipelines.sweep import sweep as run

    request = SweepRequest(study, init, encoder, trials, workers, resume, scheduler, out)
    _show(run(_params(config, set_), request))


@app.command(epilog="Example: colliderfm compare --study haa --config configs/full.yaml")
def compare(
    study: StudyName,
    encoder: EncoderAddress = "",
    data: Annotated[str, typer.Option(help="Event set; empty = params.yaml.")] = "",
    workers: Annotated[int, typer.Option(help="Processes; 0 = params.yaml.")] = 0,
    scheduler: Scheduler = "",
    out: Annotated[str, typer.Option(help="Folder; empty = outputs/compare/STUDY.")] = "",
    hours: Annotated[float, typer.Option(help="Begin no cell after this time; 0 = no limit.")] = 0,
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Run the missing cells of a study's comparison."""
    from colliderfm.pipelines.compare import CompareRequest
    from colliderfm.pipelines.compare import compare as run

    request = CompareRequest(study, encoder, data, workers, scheduler, out, hours)
    _show(run(_params(config, set_), request))


@app.command(epilog="Example: colliderfm promote --model event-encoder --version 2")
def promote(
    model: Annotated[str, typer.Option(help="Registered model.")] = "event-encoder",
    version: Annotated[int, typer.Option(help="Version; 0 = the candidate.")] = 0,
    to: Annotated[str, typer.Option(help="Alias to move.")] = "champion",
    rollback: Annotated[
        bool, typer.Option(help="Give the alias back to the previous one.")
    ] = False,
    out: Annotated[str, typer.Option(help="Also resolve the alias into this folder.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Let a candidate through the gate and move the alias."""
    from colliderfm.pipelines.promote import PromoteRequest
    from colliderfm.pipelines.promote import promote as run

    _show(run(_params(config, set_), PromoteRequest(model, version, to, rollback, out)))


@app.command(epilog="Example: colliderfm report --study haa")
def report(
    study: Annotated[str, typer.Option("--study", help="A study, or all.")] = "all",
    source: Annotated[str, typer.Option(help="Folder of compare; empty = its default.")] = "",
    out: Annotated[str, typer.Option(help="Folder; empty = reports/STUDY.")] = "",
    question: Annotated[str, typer.Option(help="Short report of a side question.")] = "",
    equal_updates: Annotated[str, typer.Option(help="Comparison with equal updates.")] = "",
    variants: Annotated[bool, typer.Option(help="One page for all encoders in SOURCE.")] = False,
    encoder: EncoderAddress = "",
    show: Annotated[bool, typer.Option(help="Only print the starter report's headline.")] = False,
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Write tables and figures of a comparison, its summary run and its saved view."""
    from colliderfm.pipelines.report import ReportRequest
    from colliderfm.pipelines.report import report as run

    texts = (study, source, out, question, equal_updates)
    _show(run(_params(config, set_), ReportRequest(*texts, variants, encoder, show)))


@app.command(epilog="Example: colliderfm ui --port 5000")
def ui(port: Annotated[int, typer.Option(help="Port on this machine.")] = 5000) -> None:
    """Open the MLflow pages of this project (Ctrl-C stops)."""
    from colliderfm.pipelines.ui import serve

    serve(port)


@app.command(epilog="Example: colliderfm doctor")
def doctor(
    missing_runs: Annotated[
        bool, typer.Option(help="Only print the DVC stages whose MLflow run is missing.")
    ] = False,
    link: Annotated[bool, typer.Option(help="Link mlflow's environment slot.")] = False,
    foreign_files: Annotated[
        bool, typer.Option(help="Only refuse files in data/ that the import would delete.")
    ] = False,
) -> None:
    """Check the installation, the data, the store and the environment slot."""
    from colliderfm.pipelines.doctor import doctor as run

    _show(run(missing_runs=missing_runs, link=link, foreign_files=foreign_files))


@config_app.command("show", epilog="Example: colliderfm config show studies.haa")
def config_show(
    key: Annotated[str, typer.Argument(help="Section or key.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Print the parameters with their types and meaning."""
    from colliderfm.config.show import describe

    _show(describe(_params(config, set_), key))


@config_app.command("check", epilog="Example: colliderfm config check --config configs/full.yaml")
def config_check(config: Overlays = [], set_: Assignments = []) -> None:
    """Check params.yaml and overlays; silent errors become sentences."""
    from colliderfm.config.flatten import flatten, params_sha256

    params = _params(config, set_)
    _show(f"{len(flatten(params))} parameters are valid (sha256 {params_sha256(params)[:12]})")


@runs_app.command("list", epilog="Example: colliderfm runs list --study haa")
def runs_list(study: Annotated[str, typer.Option("--study", help="Study.")] = "") -> None:
    """List the runs of one study or of all."""
    from colliderfm.pipelines.runs import list_runs

    _show(list_runs(study))


@runs_app.command("resume", epilog="Example: colliderfm runs resume 0123abcd")
def runs_resume(
    run: Annotated[str, typer.Argument(help="MLflow run id.")],
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Continue an interrupted run to the same result."""
    from colliderfm.pipelines.runs import resume_run

    _show(resume_run(_params(config, set_), run))


@runs_app.command("reap", epilog="Example: colliderfm runs reap")
def runs_reap() -> None:
    """Mark runs of dead processes on this machine as killed."""
    from colliderfm.pipelines.runs import reap_runs

    _show(reap_runs())


@registry_app.command("list", epilog="Example: colliderfm registry list")
def registry_list() -> None:
    """List registered models, versions, aliases and their history."""
    from colliderfm.pipelines.registry import list_registry

    _show(list_registry())


@data_app.command("verify", epilog="Example: colliderfm data verify data/haa")
def data_verify(folder: Annotated[Path, typer.Argument(help="Folder of an event set.")]) -> None:
    """Check every file of an event set against its manifest and the schema."""
    from colliderfm.pipelines.verify import verify

    _show(verify(folder))


@smeft_app.command("table", epilog="Example: colliderfm smeft table --mu-f pt --out mine.json")
def smeft_table(
    pdf: Annotated[str, typer.Option(help="Set or grid file; empty = params.yaml.")] = "",
    mu_f: Annotated[str, typer.Option(help="mll, pt or fixed; empty = params.yaml.")] = "",
    order: Annotated[str, typer.Option(help="linear or quadratic; empty = params.yaml.")] = "",
    mll_edges: Annotated[str, typer.Option(help="Edges in GeV, 50,80,...; none.")] = "",
    pt_edges: Annotated[str, typer.Option(help="Edges in GeV, 10,20,...; none.")] = "",
    out: Annotated[str, typer.Option(help="JSON file of the table.")] = "",
    fitter_out: Annotated[str, typer.Option(help="File for global fitters.")] = "",
    scan: Annotated[str, typer.Option(help="Folder: scan all operators instead.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Compute cross-sections per bin: standard model, linear and quadratic terms."""
    from colliderfm.pipelines.theory import make_table, scan_to, table_request

    given = {"pdf": pdf, "mu_f": mu_f, "order": order}
    chosen = [f"theory.{key}={value}" for key, value in given.items() if value]
    request = table_request(_params(config, set_ + chosen), mll_edges, pt_edges, out, fitter_out)
    _show(scan_to(request, scan) if scan else make_table(request))


@smeft_app.command(
    "retrieve", epilog="Example: colliderfm smeft retrieve mine.csv --out found.json"
)
def smeft_retrieve(
    file: Annotated[
        str, typer.Argument(help="CSV, JSON or Parquet: observable, low, high, value…")
    ],
    encoder: Annotated[str, typer.Option(help="Registered encoder or a folder.")] = "",
    neighbors: Annotated[int, typer.Option(help="Universes to show.")] = 5,
    out: Annotated[str, typer.Option(help="JSON file.")] = "",
    config: Overlays = [],
    set_: Assignments = [],
) -> None:
    """Find the universes that a measured spectrum is compatible with."""
    from colliderfm.pipelines.retrieve import RetrieveRequest
    from colliderfm.pipelines.retrieve import retrieve as run

    _show(run(_params(config, set_), RetrieveRequest(file, encoder, neighbors, out)))


def main() -> None:
    """Run the command line and turn every expected failure into its message and exit code."""
    from colliderfm.pipelines.session import start

    debug = "--debug" in sys.argv
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        start(debug)
        app(arguments, prog_name="colliderfm", standalone_mode=False)
    except (ColliderFMError, OSError, UsageError, KeyboardInterrupt, typer.Abort) as error:
        if debug:
            raise
        message, code = _explained(error)
        typer.echo(message, err=True)
        raise SystemExit(code) from None


def _explained(error: BaseException) -> tuple[str, int]:
    if isinstance(error, ColliderFMError):
        return str(error), error.exit_code
    if isinstance(error, UsageError):
        return str(ConfigError(error.format_message(), fix="add --help to see what is allowed")), 2
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return str(Interrupted("stopped by Ctrl-C", fix="run the same command to resume")), 75
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EROFS, errno.EACCES):
        return f"error: cannot write {error.filename or 'a file'}: {error.strerror}", 3
    raise error
