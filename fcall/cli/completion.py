"""``fcall completion``: teach a shell what to complete."""

from __future__ import annotations

import click

from fcall.cli._command import Command
from fcall.cli._output import Output

__all__ = ["completion"]


@click.command(cls=Command, short_help="Teach a shell to complete fcall.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that teaches SHELL to complete fcall.

    \b
    For bash, in ~/.bashrc:                     eval "$(fcall completion bash)"
    For zsh, in ~/.zshrc:                       eval "$(fcall completion zsh)"
    For fish, in ~/.config/fish/config.fish:    fcall completion fish | source
    """
    from click.shell_completion import ShellComplete, get_completion_class

    output: Output = ctx.obj
    kind = get_completion_class(shell)
    assert kind is not None
    complete = kind(ctx.find_root().command, {}, "fcall", "_FCALL_COMPLETE")
    output.line(ShellComplete.source(complete))  # bash's own would ask the bash of this machine for its version
