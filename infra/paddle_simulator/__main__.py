"""`python -m infra.paddle_simulator`: send a Paddle event about a subscription to the local environment."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx

from infra import terminal
from infra.deploy.cloud import Cloud
from infra.deploy.stage import LOCAL
from infra.local.emulator import REGION
from infra.local.errors import LocalError
from infra.local.run_file import RunFile
from infra.paddle_simulator import entities, keys
from infra.paddle_simulator.customers import account_of, new_customer
from infra.paddle_simulator.entities import Scheduled
from infra.paddle_simulator.prices import PRICES
from infra.paddle_simulator.simulator import Simulator, moments, webhook
from infra.paddle_simulator.subscription_store import SubscriptionStore
from infra.repository import Repository


def main() -> int:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="infra.paddle_simulator", description=__doc__)
    parser.add_argument("event", help=f"one or more, separated by commas: {', '.join(entities.EVENTS)}")
    parser.add_argument("account", help="an account's id or e-mail address")
    parser.add_argument("--price", default="", help="a plan, or one of Paddle's prices; else as before, or pro")
    parser.add_argument("--change", choices=["", "cancel", "pause"], default="", help="what subscription.updated plans")
    parser.add_argument("--ends", type=float, default=30 * 86_400, help="in how many seconds the change takes effect")
    parser.add_argument("--copies", type=int, default=1, help="how often each is sent")
    parser.add_argument("--reverse", action="store_true", help="the last first")
    parser.add_argument("--delay", type=float, default=0, help="seconds before each")
    arguments = parser.parse_args()
    return terminal.run(lambda: _send(arguments))


def _send(given: argparse.Namespace) -> None:
    repository = Repository.here()
    running = RunFile(repository.local).require()
    cloud = Cloud.emulator(running.aws_endpoint, REGION)
    secretsmanager = cloud.client("secretsmanager")
    account_id = account_of(cloud.client("cognito-idp"), given.account)
    shelf = SubscriptionStore(repository.local / "paddle")
    events = [event.strip() for event in given.event.split(",")]
    unknown = sorted(set(events) - set(entities.EVENTS))
    if unknown:
        raise LocalError(f"There is no event {unknown[0]}. There are: {', '.join(entities.EVENTS)}.")
    bought = shelf.get(entities.id_of("sub", account_id)) or new_customer(
        account_id, PRICES["pro"], keys.binding_secrets(secretsmanager, LOCAL)
    )
    if given.price:
        bought = replace(bought, price_id=PRICES.get(given.price, given.price))
    sent = []
    for event, at in zip(events, moments(len(events)), strict=True):
        bought = bought.after(event)
        if given.change and event == "subscription.updated":
            ends = datetime.now(UTC) + timedelta(seconds=given.ends)
            bought = replace(bought, scheduled=Scheduled(given.change, ends))
        if event.startswith("subscription."):
            shelf.put(bought, at)
        sent.append(webhook(event, bought, at))
    with httpx.Client(base_url=running.base_url, timeout=30, trust_env=False) as http:
        simulator = Simulator(http, keys.webhook_secrets(secretsmanager, LOCAL))
        answers = simulator.send_all(sent, copies=given.copies, reverse=given.reverse, delay_s=given.delay)
    for answer in answers:
        terminal.say(f"{answer.status_code} {answer.text}")
    if any(answer.is_error for answer in answers):
        raise LocalError("Not every webhook was taken.")


if __name__ == "__main__":
    sys.exit(main())
