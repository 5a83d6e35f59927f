"""The worker's loop: read a request, measure, answer. Standard library only."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
from contextlib import suppress
from pathlib import Path

from pytest_qbench.circuits.program import Program
from pytest_qbench.measure.codec import decode_gradient_request, decode_request, encode_answer
from pytest_qbench.measure.gradient_session import GradientSession
from pytest_qbench.measure.heartbeat import Heartbeat, Phase
from pytest_qbench.measure.messages import Started
from pytest_qbench.measure.session import Session, start_session
from pytest_qbench.measure.wire import FrameDecoder, read_frame, write_frame


def serve(requests: int, answers: int, page: int) -> None:
    """Start the backend named in the first message, then answer requests; never returns.

    The process ends when the supervisor closes its end of ``requests``.

    Args:
        requests: descriptor of the pipe to read from.
        answers: descriptor of the pipe to write to.
        page: descriptor of the heartbeat page.
    """
    for descriptor in (requests, answers):
        os.set_inheritable(descriptor, False)
    heartbeat = Heartbeat(page)
    os.close(page)
    _prepare_process()
    decoder = FrameDecoder()
    start = read_frame(requests, decoder)
    if start is None:
        os._exit(0)
    if start["sys_path"] is not None:
        sys.path[:] = start["sys_path"]
    session = start_session(start["target"], start["options"], start["threads"], heartbeat)
    if isinstance(session, Session | GradientSession):
        capabilities = session.capabilities if isinstance(session, Session) else None
        write_frame(answers, encode_answer(Started(session.description, capabilities)))
        _answer_requests(session, requests, answers, decoder, heartbeat)
        with suppress(BaseException):
            session.close()
    else:
        write_frame(answers, encode_answer(session))
    # Nothing is left to save, and a simulator's library may take its time to be unloaded, or crash.
    os._exit(0)


def _answer_requests(
    session: Session | GradientSession, requests: int, answers: int, decoder: FrameDecoder, heartbeat: Heartbeat
) -> None:
    program: Program | None = None
    while (message := read_frame(requests, decoder)) is not None:
        if isinstance(session, GradientSession):
            write_frame(answers, encode_answer(session.answer(decode_gradient_request(message))))
        else:
            request, program_hash = decode_request(message, program)
            program = request.program
            write_frame(answers, encode_answer(session.measure(request, program_hash)))
        heartbeat.mark(Phase.IDLE)


def _prepare_process() -> None:
    """Be the first that the kernel ends when memory runs out, leave no core dump, print stacks on a crash."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    faulthandler.enable()
    faulthandler.register(signal.SIGUSR1)
