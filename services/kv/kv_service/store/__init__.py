"""The only DynamoDB code of kv: namespaces and values in its own table, facts for admission from two.

    PK                    SK                  what
    ACCOUNT#<account>     NAMESPACE#<name>    a namespace: id, createdAt (ms), status
    ACCOUNT#<account>     COUNTERS            how many namespaces there are
    ACCOUNT#<account>     PLAN                the plan's name, and limits of this account's own where it has any
    V#<namespace id>      <key>               a value: v text, s size, c created, u updated (ms), e ETag
    SERVICE               CURSOR_SECRET       the key that signs page cursors

The index `list` has the same keys and all of a value but its text, so that listing never reads values.
"""

from kv_service.store.facts import TableFacts
from kv_service.store.namespaces import NamespaceStore
from kv_service.store.service import ServiceStore
from kv_service.store.values import ValueStore

__all__ = ["NamespaceStore", "ServiceStore", "TableFacts", "ValueStore"]
