"""The only DynamoDB code of alerts.

    PK                    SK              what
    ACCOUNT#<account>     ADDRESS         email, as it was verified
    ACCOUNT#<account>     PREFERENCES     email, thresholds; offReason, offAt (ms); onAt (ms)
    ACCOUNT#<account>     ALERT#<id>      kind, title, message, data, createdAt (ms), readAt (ms), correlationId, ttl,
                                          and of its mail: mail (its status), attempts, leaseUntil (ms), mailReason,
                                          messageId, bounces
    SERVICE               SIGNING_SECRET  the key that signs cursors and unsubscribe links
    SEEN#…                SEEN            see kv_common.events.processed_events
    CLOSED#…              CLOSED          see kv_common.account_tombstones

An alert and its mail are one item: neither is there without the other. The stream hands on every alert whose mail has
become `pending`.
"""

from alerts_service.persistence.alerts import AlertStore
from alerts_service.persistence.mails import MailStore, Outgoing, StaleMail
from alerts_service.persistence.preferences import AccountClosed, PreferenceStore

__all__ = ["AccountClosed", "AlertStore", "MailStore", "Outgoing", "PreferenceStore", "StaleMail"]
