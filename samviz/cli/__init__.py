"""The command line: parse, one library call, print. Every refusal is one line on stderr and exit code 2."""

import sys
import warnings
from typing import TextIO

import click

from samviz import __version__
from samviz.bench.commands import bench
from samviz.cli.compile import compile_kernels
from samviz.cli.demo import demo
from samviz.cli.evaluate import evaluate
from samviz.cli.export import export
from samviz.cli.info import info
from samviz.cli.merge import merge
from samviz.cli.migrate import migrate
from samviz.cli.record import record
from samviz.cli.repack import repack
from samviz.cli.repair import repair
from samviz.cli.slice import slice_steps
from samviz.cli.train import train
from samviz.cli.verify import verify
from samviz.errors import SamvizError, TraceWarning
from samviz.study.commands import study
from samviz.terminal import warn


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="samviz")
def cli() -> None:
    """See what the memory of a sparse memory-augmented network did.

    \b
    Examples:
      samviz record --task recall              a trained model answers; its memory goes to traces/
      samviz info traces/recall-….h5           what a trace holds
      samviz verify traces/recall-….h5         whether it can be trusted
      samviz train --task recall --out runs/a  train a model of your own
      streamlit run samviz/app/main.py         look at the traces of the folder traces/
    """


for command in (
    record,
    demo,
    evaluate,
    train,
    info,
    verify,
    export,
    repack,
    repair,
    slice_steps,
    merge,
    migrate,
    study,
    bench,
    compile_kernels,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; the entry point of the script `samviz`."""
    warnings.showwarning = say
    try:
        outcome = cli.main(arguments, prog_name="samviz", standalone_mode=False)
    except SamvizError as error:
        refuse(str(error))
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(2)
    except click.ClickException as error:
        refuse(f"{error.format_message()} (see {help_of(error)})")
    except (click.Abort, KeyboardInterrupt):  # before RuntimeError, which an Abort is
        click.echo("samviz: stopped", err=True)
        sys.exit(130)
    except MemoryError:
        refuse("there is not enough memory for that: ask for fewer slots or steps, or a smaller batch")
    except RuntimeError as error:  # torch has no type of its own for it
        if "can't allocate memory" not in str(error):
            raise
        refuse("there is not enough memory for that: ask for fewer slots or steps, or a smaller batch")
    sys.exit(outcome if isinstance(outcome, int) else 0)


def refuse(reason: str) -> None:
    """Say why in one line, and exit."""
    warn(reason)
    sys.exit(2)


def say(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning that a trace gives is one line, without the code that met it; others are as ever."""
    if issubclass(category, TraceWarning):
        warn(str(message))
    else:
        print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=sys.stderr)


def help_of(error: click.ClickException) -> str:
    """The command whose help tells more."""
    context = getattr(error, "ctx", None)
    return f"{context.command_path if context else 'samviz'} --help"
