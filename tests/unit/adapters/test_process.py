"""Running programs: nothing they do may hang this process or outlive its limits."""

import os
import select
import sys
import time
from pathlib import Path

import pytest

from reconciler.adapters.process import (
    STDERR_LIMIT,
    Completed,
    OutputTooLarge,
    ProcessError,
    ProgramMissing,
    ProgramTimeout,
    run,
)


def python(
    code: str, *, seconds: float = 20, limit: int = 1 << 24, stdin: bytes = b""
) -> Completed:
    return run(
        [sys.executable, "-I", "-c", code],
        environ={"A": "b"},
        seconds=seconds,
        output_limit=limit,
        stdin=stdin,
    )


def test_code_and_both_outputs() -> None:
    done = python("import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)")
    assert done == Completed(3, b"out\n", b"err\n")


def test_the_environment_is_exactly_what_is_given() -> None:
    done = python(
        "import os; print(sorted(set(os.environ) - {'LC_CTYPE', '__CF_USER_TEXT_ENCODING'}))"
    )
    assert done.stdout == b"['A']\n"


def test_more_on_both_pipes_than_they_hold() -> None:
    code = (
        "import sys\n"
        "for _ in range(200):\n"
        " sys.stderr.write('e' * 10000)\n"
        " sys.stdout.write('o' * 10000)"
    )
    done = python(code)
    assert len(done.stdout) == 2_000_000
    assert done.stderr == b"e" * STDERR_LIMIT


def test_more_input_and_output_at_once_than_pipes_hold() -> None:
    sent = os.urandom(1 << 20)
    code = "import sys\nwhile c := sys.stdin.buffer.read(1000): sys.stdout.buffer.write(c)"
    assert python(code, stdin=sent).stdout == sent


def test_input_that_nobody_reads() -> None:
    assert python("print('done')", stdin=b"x" * (1 << 20)).stdout == b"done\n"


def test_without_input_there_is_nothing_to_read() -> None:
    assert python("import sys; print(len(sys.stdin.read()))").stdout == b"0\n"


def test_a_program_that_doesnt_end_is_ended_with_its_children(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "child.wait()"
    )
    began = time.monotonic()
    with pytest.raises(ProgramTimeout, match="didn't end in time"):
        python(code, seconds=2)
    assert time.monotonic() - began < 10
    _await_end(int((tmp_path / "pid").read_text()))


def _await_end(pid: int) -> None:
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended, _, _ = select.select([handle], [], [], 20)
    os.close(handle)
    assert ended


def test_a_program_that_closes_its_pipes_and_goes_on() -> None:
    code = "import os, time\nos.close(1)\nos.close(2)\ntime.sleep(600)"
    with pytest.raises(ProgramTimeout):
        python(code, seconds=1)


def test_a_child_that_is_left_behind_doesnt_hold_us() -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(30)'])\n"
        "print('done')"
    )
    began = time.monotonic()
    assert python(code).stdout == b"done\n"
    assert time.monotonic() - began < 15


def test_a_program_that_writes_without_end() -> None:
    with pytest.raises(OutputTooLarge, match="more than 100000 bytes"):
        python("while True: print('x' * 1000)", limit=100_000)


def test_a_program_that_isnt_there(tmp_path: Path) -> None:
    with pytest.raises(ProgramMissing, match="nowhere can't be run: No such file"):
        run([str(tmp_path / "nowhere")], environ={}, seconds=1, output_limit=1)


def test_a_program_that_may_not_be_run(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ProcessError, match="Permission denied"):
        run([str(tmp_path / "file")], environ={}, seconds=1, output_limit=1)


def test_nothing_is_read_by_a_shell() -> None:
    done = run(
        [sys.executable, "-I", "-c", "import sys; print(sys.argv[1])", "$(id); `id` *"],
        environ={},
        seconds=20,
        output_limit=1000,
    )
    assert done.stdout == b"$(id); `id` *\n"


def test_a_signal_is_a_negative_code() -> None:
    assert python("import os; os.kill(os.getpid(), 9)").code == -9


def test_where_it_runs(tmp_path: Path) -> None:
    done = run(
        [sys.executable, "-I", "-c", "import os; print(os.getcwd())"],
        environ={},
        folder=tmp_path,
        seconds=20,
        output_limit=1000,
    )
    assert Path(done.stdout.decode().strip()) == tmp_path.resolve()
