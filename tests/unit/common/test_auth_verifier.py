"""kv_common.auth.verifier."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes

from kv_common.auth.jwks import SigningKeys
from kv_common.auth.verifier import TokenVerifier
from kv_common.errors import Unauthorized
from tests.unit.common.issuer import ACCOUNT, CLIENT, ISSUER, In, Signer, as_json, b64, claims

if TYPE_CHECKING:
    from collections.abc import Callable

    Forge = Callable[[Signer, Signer], str]


@pytest.fixture
def verifier(signer: Signer) -> TokenVerifier:
    return TokenVerifier(SigningKeys(lambda: {"keys": [signer.jwk()]}, lambda: 0.0), ISSUER, [CLIENT, "another"])


def refusal(verifier: TokenVerifier, token: str) -> Unauthorized:
    with pytest.raises(Unauthorized) as caught:
        verifier.verify(token)
    return caught.value


def test_valid_token_proves_its_account(verifier: TokenVerifier, signer: Signer) -> None:
    said = claims()

    proved = verifier.verify(signer.sign(said))

    assert proved.account_id == ACCOUNT
    assert proved.claims == said


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": In(-20)},
        {"iat": In(20)},
        {"nbf": In(20)},
        {"exp": In(600.5)},
        {"client_id": "another"},
        {"aud": "anything"},
        {"cognito:groups": ["admins"], "name": "ä😀"},
    ],
    ids="+".join,
)
def test_token_within_the_leeway_or_with_extra_claims_is_accepted(
    verifier: TokenVerifier, signer: Signer, changes: dict[str, Any]
) -> None:
    assert verifier.verify(signer.sign(claims(**changes))).account_id == ACCOUNT


def test_keys_in_a_header_are_ignored(verifier: TokenVerifier, signer: Signer, stranger: Signer) -> None:
    odd = {"jku": "https://evil.example/jwks.json", "jwk": stranger.jwk(), "x5u": "https://evil.example/x.pem"}

    assert verifier.verify(signer.sign(claims(), signer.header(**odd))).account_id == ACCOUNT
    refusal(verifier, stranger.sign(claims(), stranger.header(**odd)))


def changed(**changes: Any) -> Forge:
    """Sign the claims of a valid token with `changes`."""
    return lambda signer, _: signer.sign(claims(**changes))


def headed(**changes: Any) -> Forge:
    """Sign valid claims under a header with `changes`."""
    return lambda signer, _: signer.sign(claims(), signer.header(**changes))


def raw(payload: Callable[[], bytes]) -> Forge:
    """Sign a payload that `json.dumps` would not produce."""
    return lambda signer, _: signer.sign(payload())


def edited(edit: Callable[[str, str, str], str]) -> Forge:
    """Change parts of a valid token after signing."""
    return lambda signer, _: edit(*signer.sign(claims()).split("."))


def with_members(text: str) -> bytes:
    """Return valid claims with members appended."""
    return as_json(claims())[:-1] + b", " + text.encode() + b"}"


def unsigned(alg: str) -> Forge:
    return lambda signer, _: f"{b64(as_json(signer.header(alg=alg)))}.{b64(as_json(claims()))}."


def signed_with(algorithm: hashes.HashAlgorithm, alg: str) -> Forge:
    return lambda signer, _: signer.sign(claims(), signer.header(alg=alg), algorithm)


def hmac_signed(alg: str) -> Forge:
    return lambda signer, _: signer.sign_with_public_key_as_secret(claims(), signer.header(alg=alg))


def signature_of_another(signer: Signer, _: Signer) -> str:
    taken = signer.sign(claims()).rpartition(".")[2]
    return f"{b64(as_json(signer.header()))}.{b64(as_json(claims(sub=ACCOUNT[:-1] + 'f')))}.{taken}"


def padded_before_signing(signer: Signer, _: Signer) -> str:
    return signer.sign_text(b64(as_json(signer.header())) + "." + _padded(as_json(claims())))


def _padded(content: bytes) -> str:
    while len(content) % 3 == 0:
        content += b" "
    return b64(content) + "=" * (-len(content) % 3)


FORGED: dict[str, Forge] = {
    # The signature.
    "signed by another key under our key's id": lambda _, stranger: stranger.sign(claims()),
    "another token's signature": signature_of_another,
    "no signature": edited(lambda head, body, _: f"{head}.{body}."),
    "a signature cut short": edited(lambda head, body, signature: f"{head}.{body}.{signature[:-4]}"),
    "a signature with one character changed": edited(
        lambda head, body, signature: f"{head}.{body}.{'B' if signature[0] != 'B' else 'C'}{signature[1:]}"
    ),
    "a payload changed after signing": edited(
        lambda head, _, signature: f"{head}.{b64(as_json(claims(scope='all')))}.{signature}"
    ),
    "a header changed after signing": edited(
        lambda _, body, signature: b64(b'{"kid": "pool-key-1", "alg":  "RS256"}') + f".{body}.{signature}"
    ),
    # The algorithm.
    "alg none": unsigned("none"),
    "alg None": unsigned("None"),
    "alg nOnE": unsigned("nOnE"),
    "alg empty": unsigned(""),
    "alg none over an honest signature": headed(alg="none"),
    "HS256 with the public key as secret": hmac_signed("HS256"),
    "HS256 that calls itself RS256": hmac_signed("RS256"),
    "RS512": signed_with(hashes.SHA512(), "RS512"),
    "RS512 that calls itself RS256": signed_with(hashes.SHA512(), "RS256"),
    "RS256 that calls itself PS256": headed(alg="PS256"),
    "RS256 that calls itself ES256": headed(alg="ES256"),
    "alg in lower case": headed(alg="rs256"),
    "no alg": headed(alg=...),
    "alg null": headed(alg=None),
    "alg a list": headed(alg=["RS256"]),
    # The header.
    "a critical extension nobody knows": headed(crit=["exp"], exp=1),
    "an unencoded payload": headed(b64=False, crit=["b64"]),
    "an unencoded payload that is not critical": headed(b64=False),
    "an empty list of critical extensions": headed(crit=[]),
    "an unknown key id": headed(kid="pool-key-2"),
    "no key id": headed(kid=...),
    "an empty key id": headed(kid=""),
    "a key id that is null": headed(kid=None),
    "a key id that is a number": headed(kid=1),
    "a key id that is a list": headed(kid=["pool-key-1"]),
    "a key id that is a lone surrogate": headed(kid="\ud800"),
    "a header that is no object": lambda signer, _: signer.sign(claims(), b"[]"),
    "a header that is no JSON": lambda signer, _: signer.sign(claims(), b"{"),
    "a header that is no UTF-8": lambda signer, _: signer.sign(claims(), b'{"alg": "\xff"}'),
    "a header nested beyond all emit_metric": lambda signer, _: signer.sign(b"{}", b'{"x":' + b"[" * 4_000),
    # The claims.
    **{
        f"no {name}": changed(**{name: ...})
        for name in ("exp", "iat", "iss", "sub", "token_use", "client_id")
    },
    **{f"{name} null": changed(**{name: None}) for name in ("exp", "iat", "iss", "sub", "token_use", "client_id")},
    **{f"{name} a list": changed(**{name: [value]}) for name, value in claims().items() if name in (
        "exp", "iat", "iss", "sub", "token_use", "client_id")},
    **{f"{name} an object": changed(**{name: {"0": 1}}) for name in (
        "exp", "iat", "iss", "sub", "token_use", "client_id")},
    "another issuer": changed(iss="https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Other"),
    "the issuer with a slash": changed(iss=ISSUER + "/"),
    "the issuer's beginning": changed(iss=ISSUER[:-1]),
    "an id token": changed(token_use="id", aud=CLIENT, client_id=...),
    "an id token that names the client": changed(token_use="id"),
    "token_use in capitals": changed(token_use="ACCESS"),
    "another client": changed(client_id="someone-else"),
    "the client in capitals": changed(client_id=CLIENT.upper()),
    "the client as audience only": changed(client_id=..., aud=CLIENT),
    "expired beyond the leeway": changed(exp=In(-90)),
    "expired long ago": changed(exp=0),
    "an expiry below zero": changed(exp=-1),
    "issued in the future": changed(iat=In(600)),
    "not valid yet": changed(nbf=In(600)),
    "a numeric string as expiry": changed(exp="9999999999"),
    "a numeric string as time of issue": changed(iat="1700000000"),
    "a truth as expiry": changed(exp=True),
    "a truth as time of issue": changed(iat=True),
    "NaN as expiry": changed(exp=float("nan")),
    "Infinity as expiry": changed(exp=float("inf")),
    "NaN as time of issue": changed(iat=float("nan")),
    "minus Infinity as time of issue": changed(iat=float("-inf")),
    "an expiry beyond double precision": raw(lambda: as_json(claims(exp=...))[:-1] + b', "exp": 1e400}'),
    "an expiry of 5,000 digits": raw(lambda: as_json(claims(exp=...))[:-1] + b', "exp": ' + b"9" * 5_000 + b"}"),
    "NaN somewhere": changed(other=float("nan")),
    "an empty sub": changed(sub=""),
    "a sub that is no UUID": changed(sub="someone"),
    "a sub in capitals": changed(sub=ACCOUNT.upper()),
    "a sub without hyphens": changed(sub=ACCOUNT.replace("-", "")),
    "a sub in braces": changed(sub="{" + ACCOUNT + "}"),
    "a sub as URN": changed(sub="urn:uuid:" + ACCOUNT),
    "a sub with a newline": changed(sub=ACCOUNT + "\n"),
    "a sub with a space": changed(sub=" " + ACCOUNT),
    "a sub that is a number": changed(sub=12),
    "a sub that is a lone surrogate": changed(sub="\ud800"),
    "a sub of Arabic-Indic digits": changed(sub="٨" * 8 + ACCOUNT[8:]),
    "a sub twice": raw(lambda: with_members(f'"sub": "{ACCOUNT}"')),
    "two subs": raw(lambda: b'{"sub": "00000000-0000-4000-8000-000000000000", ' + as_json(claims())[1:]),
    "a sub repeated with an escape": raw(lambda: with_members(rf'"s\u0075b": "{ACCOUNT}"')),
    "two expiries": raw(lambda: with_members('"exp": 9999999999')),
    "a repeated claim nobody reads": raw(lambda: with_members('"x": 1, "x": 2')),
    # The payload.
    "a payload that is a list": raw(lambda: b"[]"),
    "a payload that is null": raw(lambda: b"null"),
    "a payload that is no JSON": raw(lambda: b"{"),
    "an empty payload": raw(lambda: b""),
    "a payload with a byte order mark": raw(lambda: b"\xef\xbb\xbf" + as_json(claims())),
    "a payload that is no UTF-8": raw(lambda: as_json(claims())[:-1] + b', "x": "\xff"}'),
    "a payload in UTF-16": raw(lambda: json.dumps(claims()).encode("utf-16")),
    "a payload with text behind it": raw(lambda: as_json(claims()) + b" {}"),
    "a payload nested beyond all emit_metric": raw(lambda: with_members('"x": ' + "[" * 2_500 + "]" * 2_500)),
    # The encoding.
    "nothing": lambda *_: "",
    "one part": edited(lambda head, *_: head),
    "two parts": edited(lambda head, body, _: f"{head}.{body}"),
    "four parts": edited(lambda head, body, signature: f"{head}.{body}.{signature}.{signature}"),
    "five parts, as encrypted tokens have": edited(lambda head, body, signature: f"{head}..{body}.{signature}.AA"),
    "only dots": lambda *_: "..",
    "a padded signature": edited(lambda head, body, signature: f"{head}.{body}.{signature}=="),
    "a payload padded before it was signed": padded_before_signing,
    "a newline at the end": edited(lambda head, body, signature: f"{head}.{body}.{signature}\n"),
    "a space in front": edited(lambda head, body, signature: f" {head}.{body}.{signature}"),
    "junk in the signature": edited(lambda head, body, signature: f"{head}.{body}.!{signature}"),
    "standard base64's own letters": edited(lambda head, body, signature: f"{head}.{body}.{signature[:-2]}+/"),
    "the scheme left in": edited(lambda head, body, signature: f"Bearer {head}.{body}.{signature}"),
    "letters that are not ASCII": edited(lambda head, body, signature: f"{head}.{body}.{signature}é"),
    "a lone surrogate": lambda *_: "\ud800.a.b",
    "more than 8 KB": changed(padding="x" * 8_192),
    "8 KB of dots": lambda *_: "." * 8_000,
    "a NUL": edited(lambda head, body, signature: f"{head}.{body}.{signature}\0"),
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_every_invalid_token_gets_the_same_error(
    verifier: TokenVerifier, signer: Signer, stranger: Signer, forge: Forge
) -> None:
    verifier.verify(signer.sign(claims()))

    refused = refusal(verifier, forge(signer, stranger))

    assert refused.message == "The access token is not valid."
    assert refused.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert refused.details == {}


def test_token_of_exactly_8_kb_is_accepted(verifier: TokenVerifier, signer: Signer) -> None:
    def token(filling: int) -> str:
        return signer.sign(claims(filling="x" * filling))

    longest = max(filling for filling in range(5_000, 6_000) if _length(signer, filling) <= 8_192)

    assert verifier.verify(token(longest)).account_id == ACCOUNT
    refusal(verifier, token(longest + 3))


def _length(signer: Signer, filling: int) -> int:
    head, body = as_json(signer.header()), as_json(claims(filling="x" * filling))
    return len(b64(head)) + len(b64(body)) + 342 + 2
