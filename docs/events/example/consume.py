"""Keep a list of API keys from events of KV Storage: python consume.py <queue URL> [database]. Needs boto3."""

import json
import sqlite3
import sys
from typing import Any

import boto3

Event = dict[str, Any]


def issued(database: sqlite3.Connection, event: Event) -> None:
    """Remember a key."""
    key = event["data"]
    database.execute("INSERT INTO keys VALUES (?, ?, ?)", (key["key_id"], event["account_id"], key["display"]))


HANDLERS = {"ApiKeyIssued": issued}


def apply(database: sqlite3.Connection, name: str, event: Event) -> None:
    """Apply an event once, however often it comes: its effect and the record that it was seen are one transaction."""
    outcome = "not ours"  # what we do not know, such as an event of tomorrow, we let pass
    if name in HANDLERS:
        with database:
            new = database.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (name, event["id"])).rowcount
            if new:
                HANDLERS[name](database, event)
        outcome = "applied" if new else "seen before"
    print(outcome, name, event["id"], flush=True)


def main(queue: str, path: str = "keys.db") -> None:
    """Take messages from the queue for ever."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE IF NOT EXISTS seen (name TEXT, id TEXT, PRIMARY KEY (name, id))")
    database.execute("CREATE TABLE IF NOT EXISTS keys (key_id TEXT, account_id TEXT, display TEXT)")
    sqs = boto3.client("sqs")
    while True:
        # One at a time: what is received has to be done within the queue's visibility timeout, a minute here.
        answer = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1, WaitTimeSeconds=20)
        for message in answer.get("Messages", []):
            try:
                body = json.loads(message["Body"])
                apply(database, body["detail-type"], body["detail"])
            except (ValueError, LookupError, TypeError, sqlite3.Error) as error:
                # Not deleted, so it comes again; after five times it rests in the dead-letter queue.
                print("failed", message["MessageId"], repr(error), flush=True)
            else:
                sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    main(*sys.argv[1:])
