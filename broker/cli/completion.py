"""`broker completion`: what makes a shell complete commands, options, accounts and tickets."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from broker.cli.failures import EXIT_CODES

_VARIABLE = "_BROKER_COMPLETE"
_INSTALL = {
    "bash": """# In ~/.bashrc:  eval "$(broker completion bash)\"""",
    "zsh": """# In ~/.zshrc, after compinit:  eval "$(broker completion zsh)\"""",
    "fish": "# Once:  broker completion fish > ~/.config/fish/completions/broker.fish",
}


@click.command(epilog=EXIT_CODES)
@click.argument("shell", type=click.Choice(list(_INSTALL)))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> None:
    """Print the script that makes your shell complete `broker`; the first line says where it goes.

    Accounts and tickets are completed from your profiles and, once you have signed in, from the
    broker.

    \b
      broker completion fish > ~/.config/fish/completions/broker.fish
      eval "$(broker completion bash)"
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"click has no completion for {shell}.")
    script = kind(ctx.find_root().command, {}, "broker", _VARIABLE).source()
    click.echo(f"{_INSTALL[shell]}\n{script}")
