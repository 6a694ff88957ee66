"""Signals that ask a command to end."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest

from infra.deploy.cloud import Cloud
from infra.local.ports import HOST
from infra.signals import StopRequested, stopping_on_request, without_interruption


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_ends_what_is_going_on_and_afterwards_means_what_it_meant(number: signal.Signals) -> None:
    before = signal.getsignal(number)

    with pytest.raises(StopRequested), stopping_on_request():
        os.kill(os.getpid(), number)

    assert signal.getsignal(number) == before


def test_a_request_that_is_under_way_ends_and_is_not_tried_again() -> None:
    asked = []
    with socket.create_server((HOST, 0)) as server:

        def never_answer() -> None:
            while True:
                connection, _ = server.accept()
                with connection:
                    request = connection.recv(65_536)
                    if not request:
                        return
                    asked.append(request)
                    if len(asked) == 1:
                        os.kill(os.getpid(), signal.SIGTERM)

        thread = threading.Thread(target=never_answer, daemon=True)
        thread.start()
        sqs = Cloud.emulator(f"http://{HOST}:{server.getsockname()[1]}", "us-east-1").client("sqs")

        with pytest.raises(StopRequested), stopping_on_request():
            sqs.list_queues()

        assert len(asked) == 1
        socket.create_connection(server.getsockname()).close()
        thread.join(5)


def test_an_action_that_must_finish_does() -> None:
    finished = []

    def action() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
        finished.append(True)

    without_interruption(action)

    assert finished == [True]
