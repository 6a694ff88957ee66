"""Command lines and what they print."""

from __future__ import annotations

import subprocess
import sys

import pytest

from infra import terminal
from infra.operations.logs.errors import LogError
from infra.repository import Repository
from infra.terminal import INTERRUPTED, Color, colorize, printable


def failing(error: BaseException) -> int:
    def command() -> None:
        raise error

    return terminal.run(command)


def test_a_failure_that_we_foresee_is_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert failing(LogError("Say this instead.")) == 1
    assert capsys.readouterr().err == "\nError: Say this instead.\n"


def test_ctrl_c_is_told_to_the_shell_unless_it_is_the_way_to_end() -> None:
    assert failing(KeyboardInterrupt()) == INTERRUPTED
    with terminal.ended_by_ctrl_c():
        raise KeyboardInterrupt


def test_whoever_reads_the_output_may_stop_reading() -> None:
    command = (
        "import sys\nfrom infra import terminal\n"
        "def lines():\n    while True:\n        terminal.say('line')\n"
        "sys.exit(terminal.run(lines))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command],
        cwd=Repository.here().root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "line\n"
        process.stdout.close()
        said = process.stderr.read()

    assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("text", ["plain", "ümläut ✓", "key_1#issued"])
def test_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(("text", "spelled"), [("\x1b[2J", "\\x1b[2J"), ("a\nb", "a\\nb"), ("\x9b", "\\x9b")])
def test_control_characters_are_spelled_out(text: str, spelled: str) -> None:
    assert printable(text) == spelled


def test_colors_are_used_only_where_they_are_wanted() -> None:
    assert colorize("text", Color.RED, wanted=True) == "\x1b[31mtext\x1b[0m"
    assert colorize("text", Color.RED, wanted=False) == "text"
    assert colorize("text", None, wanted=True) == "text"
