"""The only DynamoDB and S3 code of kv: its own table, and two that it reads for admission.

    PK                    SK                  what
    ACCOUNT#<account>     NAMESPACE#<name>    a namespace: id, createdAt (ms), status
    ACCOUNT#<account>     HOLDINGS#<id>       what a namespace holds: keys, bytes
    ACCOUNT#<account>     COUNTERS            how many namespaces there are, and keys and bytes in all of them
    ACCOUNT#<account>     PLAN                the plan's name, limits, and the version that orders changes of them
    ACCOUNT#<account>     USED#<YYYY-MM>      requests used in a month, as last reported
    ACCOUNT#<account>     TRANSFER#<job>      an export or import: see kv_service.persistence.transfer_codec
    ACCOUNT#<account>     BEGUN#<kind>#<day>  how many exports or imports were begun in a day
    ACCOUNT#<account>     SLOT#<kind>         the export or import that is not finished; there is one of each at most
    ACCOUNT#<account>     WORK#<job>          a job: kind, subject, turn
    ACCOUNT#<account>     OUTBOX#<event>      an event to publish: see kv_common.events.outbox
    N#<namespace id>      OWNER               the account a namespace belongs to
    V#<namespace id>      <key>               a value: see kv_service.persistence.value_codec
    I#<namespace id>      <request>           the response of an idempotent request: see persistence.idempotency
    SHARD#<shard>         CHECKPOINT          up to where a shard of the table's stream is counted
    SERVICE               CURSOR_SECRET       the key that signs page cursors
    CLOSED#<digest>       CLOSED              an account was deleted: see kv_common.account_tombstones

The index `list` has the same keys and all of a value but a text of any length, so that listing never reads values.
"""

from kv_service.persistence.accounts import AccountStore
from kv_service.persistence.admission_data import DynamoAdmissionData
from kv_service.persistence.jobs import JobStore
from kv_service.persistence.namespaces import NamespaceStore
from kv_service.persistence.s3_objects import ObjectStore
from kv_service.persistence.signing_keys import ServiceStore
from kv_service.persistence.storage_usage import StorageStore
from kv_service.persistence.usage_outbox import UsageOutbox
from kv_service.persistence.value_transactions import TransactionStore
from kv_service.persistence.values import ValueStore

__all__ = [
    "AccountStore",
    "DynamoAdmissionData",
    "JobStore",
    "NamespaceStore",
    "ObjectStore",
    "ServiceStore",
    "StorageStore",
    "TransactionStore",
    "UsageOutbox",
    "ValueStore",
]
