"""Fixtures of the unit tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kv_common.http.models import resolve
from kv_common.http.route_models import RouteModels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kv_common.http import Request, Response
    from tests.support.mock_aws import MockAws


@pytest.fixture
def aws() -> Iterator[MockAws]:
    """An empty AWS account in this process."""
    from tests.support.mock_aws import mock_aws_account

    with mock_aws_account() as account:
        yield account


@pytest.fixture(autouse=True)
def checked_responses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let views of a declared route fail with a response that is not the declared one."""
    bound_to = RouteModels.bound_to

    def checked(models: RouteModels, view: Callable[..., Response]) -> Callable[..., Response]:
        bound = bound_to(models, view)

        def call(request: Request, **parameters: Any) -> Response:
            response = bound(request, **parameters)
            model = models.responses[response.status]
            if model is not None:
                resolve(model).model_validate_json(response.body)
            return response

        call.__name__ = view.__name__
        return call

    monkeypatch.setattr(RouteModels, "bound_to", checked)
