"""The only DynamoDB code of usage.

    PK                   SK                          what
    ACCOUNT#<account>    STANDING                    plan, quota, storageLimit, changedAt (us); storedBytes, storedKeys
    ACCOUNT#<account>    NAMESPACE#<id>              name; storedBytes, storedKeys
    ACCOUNT#<account>    MONTH#<YYYY-MM>             n#<operation> (requests), in (bytes), updatedAt (s);
                                                     emitted: markers of the published crossings
    ACCOUNT#<account>    DAY#<YYYY-MM-DD>#<id>       n#<operation>, in, of one namespace ("-": of none)
    ACCOUNT#<account>    MINUTE#<minute>#<epoch>     changes, counts (JSON text): what of it stands in the totals;
                                                     steps in which it came there; ttl
    ACCOUNT#<account>    OUTBOX#<event>              an event to publish: see kv_common.events.outbox
    SEEN#<digest>        SEEN                        see kv_common.events.processed_events
    CLOSED#<digest>      CLOSED                      see kv_common.account_tombstones

What an event costs, in DynamoDB's units (a write in a transaction counts twice; every item is below 1 KB):

    RequestServed        8 write units and 2 more per further namespace: the account is open, minute, month, a day per
                         namespace; 3 read units: the minute before, standing and month after
    the same again       the 3 read units
    StorageChanged       8 write units: seen, the account is open, namespace, standing; 2 read units
    a threshold          6 write units and 2 more per threshold that is published at the same time
"""

from usage_service.persistence.account_state import AccountStateStore
from usage_service.persistence.ledger import LedgerStore
from usage_service.persistence.reports import ReportStore
from usage_service.persistence.thresholds import ThresholdStore

__all__ = ["AccountStateStore", "LedgerStore", "ReportStore", "ThresholdStore"]
