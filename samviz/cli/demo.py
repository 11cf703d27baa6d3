"""`samviz demo`: a generated trace, without a model."""

from pathlib import Path
from typing import Any

import click

from samviz.cli.options import AT_LEAST_0, AT_LEAST_1, exit_if_stopped
from samviz.terminal import progress_bar, stop_request


@click.command(short_help="Generate a trace, small or large, without a model.")
@click.option("--steps", type=AT_LEAST_1, default=2000, show_default=True, help="Length of the trace.")
@click.option("--slots", type=AT_LEAST_1, default=1024, show_default=True, help="Memory size N.")
@click.option("--word-size", type=AT_LEAST_1, default=32, show_default=True, help="Numbers in a slot, W.")
@click.option("--heads", type=AT_LEAST_1, default=4, show_default=True, help="Access heads, H.")
@click.option("--reads", type=AT_LEAST_1, default=4, show_default=True, help="Words that a head reads, K.")
@click.option("--seed", type=AT_LEAST_0, default=0, show_default=True, help="Determines the whole trace.")
@click.option("--out", type=click.Path(path_type=Path), help="The trace; default traces/demo-DATE-TIME.h5.")
@click.option("--overwrite", is_flag=True, help="Replace the trace if it exists.")
def demo(out: Path | None, overwrite: bool, **settings: Any) -> None:
    """Generate a trace: a script stores keys with values in a SAM's memory and asks for them.

    There is no model and nothing is trained, but writes, reads and usage obey SAM's equations. Some values
    are revised, some are overwritten before they are asked for. A step takes some 5 kB at the default sizes,
    and 24 bytes of memory while the trace is made.

    \b
    Examples:
      samviz demo
      samviz demo --steps 100000 --slots 65536 --seed 7
      samviz demo --steps 1000000 --slots 1000000 --out traces/large.h5
    """
    from samviz.cli.record import default_trace
    from samviz.demo import Demo, generate
    from samviz.demo.compile import ensure_compiled

    asked = Demo(**settings)
    ensure_compiled()
    path = out or default_trace("demo", "memory")
    with progress_bar(asked.steps, "step") as advance, stop_request() as stop:
        done = generate(asked, path, overwrite=overwrite, report=advance, stop=stop)
    click.echo(f"generated {done:,} {'step' if done == 1 else 'steps'} to {path}")
    exit_if_stopped(done, asked.steps, "step")
