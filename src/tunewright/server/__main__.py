"""The server as a process: one line of JSON says where it listens or what is wrong."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from pathlib import Path

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.deploy import serving
from tunewright.deploy.admission import Admission
from tunewright.deploy.respond import Specialist, open_specialist
from tunewright.loop.project import Project
from tunewright.runtime import settings
from tunewright.server import listen, serve


def main() -> int:
    """Serve a project's newest release until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tunewright.server")
    parser.add_argument("--project", type=Path, default=Path())
    parser.add_argument(
        "--packed", type=Path, help="the `serving.json` of a packed form, instead of a project"
    )
    parser.add_argument("--keys", type=Path, help="`keys.json` of a packed form that asks for keys")
    parser.add_argument("--until-input-ends", action="store_true", help="end with the process that starts it")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    settings.quiet()
    if asked.until_input_ends:
        threading.Thread(target=_end_with_input, name="until input ends", daemon=True).start()
    try:
        on = listen(asked.host, asked.port)
        specialist, admission = _opened(asked)
        facts = {
            "name": specialist.name,
            "allowed": specialist.allowed,
            "reasons": specialist.reasons,
            "open": admission.open,
        }
        serve(specialist, on, ready=lambda url: _tell({"url": url, **facts}), admission=admission)
    except TunewrightError as error:
        _tell({"problems": [problem.model_dump() for problem in error.problems]})
        return 2
    return 0


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGINT)


def _opened(asked: argparse.Namespace) -> tuple[Specialist, Admission]:
    if asked.packed is None:
        project = Project.open(asked.project)
        return project.specialist(), Admission(project.spec.serve, project.keys.path)
    if asked.keys is not None and not asked.keys.is_file():  # else the door would stand open
        raise ServeError(
            "the file of keys is missing", where=str(asked.keys), fix="check the path of `--keys`"
        )
    found = serving.read(asked.packed)
    specialist = open_specialist(found.checkpoint, settings.read(), engine=found.engine, name=found.name)
    return specialist, Admission(file=asked.keys)


def _tell(said: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
