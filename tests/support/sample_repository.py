"""A small repository with two services, which tests can deploy with the real pipeline and break."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infra.repository import Repository, Service

if TYPE_CHECKING:
    from pathlib import Path

_APP = '''
import json
import os

import boto3
from chalice.app import Chalice


class App(Chalice):
    """Returns the event, and reads the table that the request names."""

    def __call__(self, event, context):
        table = (event.get("queryStringParameters") or {}).get("table")
        try:
            if table:
                boto3.client("dynamodb").get_item(TableName=table, Key={"PK": {"S": "x"}})
            body = {"route": event["routeKey"], "stage": os.environ["STAGE_NAME"]}
        except Exception as error:
            body = {"error": str(error)}
        return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}


app = App(app_name="sample", configure_logs=False)


@app.route("/v1/SERVICE/{thing}", methods=["GET"])
def thing(thing): ...


@app.lambda_function()
def prepare(event, context):
    if os.environ["PREPARE"] == "fails":
        raise ValueError("the shelves are empty")
'''

_TABLE = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Delete",
    "UpdateReplacePolicy": "Delete",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "PK", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}],
    },
}


def make_sample(root: Path, original: Repository, build: Path) -> Repository:
    """Create a repository with the services `auth` and `shop`, and everything else from the original.

    `build` is the folder of build results: samples that share it build equal services once.
    """
    for name in ("infra", ".venv-emulator"):
        (root / name).symlink_to(original.root / name)
    (root / "build").symlink_to(build)
    (root / "locks").mkdir()
    common = root / "libs" / "common" / "kv_common"
    common.mkdir(parents=True)
    (common / "__init__.py").write_text("")
    (root / "locks" / "dev.txt").write_text("")
    for name in ("auth", "shop"):
        (root / "locks" / f"{name}.txt").write_text((original.root / "locks" / "auth.txt").read_text())
        _make_service(Service(name, root))
    return Repository(root)


def _make_service(service: Service) -> None:
    service.package.mkdir(parents=True)
    (service.package / "__init__.py").write_text("")
    (service.folder / "pyproject.toml").write_text("")
    (service.folder / "app.py").write_text(_APP.replace("SERVICE", service.name))
    (service.folder / ".chalice").mkdir()
    (service.folder / ".chalice" / "config.json").write_text(
        json.dumps({"version": "2.0", "app_name": service.name, "minimum_compression_size": 0})
    )
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": {"Fn::GetAtt": ["Table", "Arn"]}}
    (service.folder / ".chalice" / "policy-api_handler.json").write_text(
        json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    set_prepare(service, "works")


def set_prepare(service: Service, mode: str) -> None:
    """Set whether the service's after-deploy function `works` or `fails`."""
    variables = {"Environment": {"Variables": {"PREPARE": mode, "STAGE_NAME": {"Ref": "Stage"}}}}
    fragment: dict[str, Any] = {
        "Resources": {
            "Table": _TABLE,
            "APIHandler": {"Properties": variables},
            "Prepare": {"Properties": variables},
        },
        "Outputs": {"TableName": {"Value": {"Ref": "Table"}}, "AfterDeployFunction": {"Value": {"Ref": "Prepare"}}},
    }
    if service.name == "shop":
        fragment["Metadata"] = {"ExtraRoutes": ["$default"]}
    service.resources.write_text(json.dumps(fragment))
