"""Keep a list of API keys from events of KV Storage: python consume.py <queue URL> [database]. Needs boto3."""

import json
import sqlite3
import sys
from typing import Any

import boto3

Event = dict[str, Any]


def issued(database: sqlite3.Connection, event: Event) -> None:
    """Store an issued key."""
    key = event["data"]
    database.execute("INSERT INTO keys VALUES (?, ?, ?)", (key["key_id"], event["account_id"], key["display"]))


HANDLERS = {"ApiKeyIssued": issued}


def apply(database: sqlite3.Connection, name: str, event: Event) -> None:
    """Apply an event once: its effect and the record of its id are written in one transaction."""
    outcome = "not ours"  # unknown events, such as those of a later version, are ignored
    if name in HANDLERS:
        with database:
            new = database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, event["id"])).rowcount
            if new:
                HANDLERS[name](database, event)
        outcome = "applied" if new else "seen before"
    print(outcome, name, event["id"], flush=True)


def main(queue: str, path: str = "keys.db") -> None:
    """Process messages from the queue until interrupted."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE IF NOT EXISTS seen (name TEXT, id TEXT, PRIMARY KEY (name, id))")
    database.execute("CREATE TABLE IF NOT EXISTS keys (key_id TEXT, account_id TEXT, display TEXT)")
    sqs = boto3.client("sqs")
    while True:
        # One at a time: a received message has to be processed within the queue's visibility timeout of a minute.
        response = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=20)
        for message in response.get("Messages", []):
            try:
                body = json.loads(message["Body"])
                apply(database, body["detail-type"], body["detail"])
            except (ValueError, LookupError, TypeError, sqlite3.Error) as error:
                # Not deleted, so it is redelivered; after five attempts it is dead-lettered.
                print("failed", message["MessageId"], repr(error), flush=True)
            else:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main(*sys.argv[1:])
