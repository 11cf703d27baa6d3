"""`samviz compile`: compile the memory kernels ahead of time."""

import click


@click.command("compile", short_help="Compile the memory kernels now.")
@click.argument("precisions", nargs=-1, type=click.Choice(["float32", "float64"]), metavar="[PRECISION]...")
def compile_kernels(precisions: tuple[str, ...]) -> None:
    """Compile the memory kernels now, for float32 or for each PRECISION, so that no first call has to wait.

    The kernels with which traces are looked at are compiled along.

    \b
    Examples:
      samviz compile
      samviz compile float32 float64
    """
    from samviz.demo import compile as reading
    from samviz.kernels.compiled import cache_folder
    from samviz.model.compile import PRECISIONS, ensure_compiled
    from samviz.verify.warm import compile_verification

    for name in precisions or ("float32",):
        ensure_compiled(PRECISIONS[name])
    compile_verification()
    reading.ensure_compiled()
    click.echo(f"kernels ready in {cache_folder()}")
