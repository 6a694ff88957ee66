"""The HTTP edge: payload format 2.0 in, a view inside, one error model and one log line out."""

from kv_common.http.app import Api
from kv_common.http.bearer import account_of_bearer, session_of_bearer
from kv_common.http.request import Request
from kv_common.http.response import Response, json_response, no_content

__all__ = ["Api", "Request", "Response", "account_of_bearer", "json_response", "no_content", "session_of_bearer"]
