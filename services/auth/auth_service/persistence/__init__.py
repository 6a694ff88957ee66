"""The only DynamoDB code of auth: its own table, and the credentials table that it writes for kv to read.

    PK                      SK              what
    ACCOUNT#<account>       PROFILE         the account: email, plan, createdAt (ms)
    ACCOUNT#<account>       APIKEY#<id>     a key as its owner lists it
    ACCOUNT#<account>       OUTBOX#<event>  an event to publish: see kv_common.events.outbox
    ACCOUNT#<account>       DELETION        what has to be known to delete the account: username
    CLOSED#<digest>         CLOSED          that an account was deleted: see kv_common.account_tombstones

    PK (credentials)                        what
    <SHA-256 of the key>                    accountId, keyId, status, scopes, namespaces, expiresAt (ms)
    SIGNING_KEYS                            the user pool's public keys, as a JWK set

Both items of a key change in one transaction. `ttl` removes what has been dead for KEPT_DEAD_S.
"""

from auth_service.persistence.accounts import AccountStore
from auth_service.persistence.api_keys import KeyStore
from auth_service.persistence.signing_keys import SigningKeyStore

__all__ = ["AccountStore", "KeyStore", "SigningKeyStore"]
