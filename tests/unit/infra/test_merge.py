"""Laying resources.json over a template."""

from __future__ import annotations

import pytest

from infra.cloudformation.merge import Template, merge
from infra.packaging.errors import MergeError

TEMPLATE: Template = {
    "Resources": {"Handler": {"Type": "AWS::Serverless::Function", "Properties": {"Timeout": 10, "Layers": ["a"]}}}
}


def test_objects_merge_member_by_member() -> None:
    fragment = {"Resources": {"Handler": {"Properties": {"MemorySize": 512}}}, "Outputs": {"Name": {"Value": "x"}}}

    merged = merge(TEMPLATE, fragment)

    assert merged["Resources"]["Handler"]["Properties"] == {"Timeout": 10, "Layers": ["a"], "MemorySize": 512}
    assert merged["Outputs"] == {"Name": {"Value": "x"}}


def test_lists_and_scalars_replace() -> None:
    merged = merge(TEMPLATE, {"Resources": {"Handler": {"Properties": {"Timeout": 3, "Layers": ["b"]}}}})

    assert merged["Resources"]["Handler"]["Properties"] == {"Timeout": 3, "Layers": ["b"]}


def test_an_intrinsic_replaces_what_it_meets() -> None:
    base = {"Resources": {"Handler": {"Type": "X", "Properties": {"Role": {"Ref": "Old"}, "Vpc": {"SubnetIds": []}}}}}
    top = {"Role": {"Fn::GetAtt": ["New", "Arn"]}, "Vpc": {"Fn::If": ["InVpc", {}, {"Ref": "AWS::NoValue"}]}}

    merged = merge(base, {"Resources": {"Handler": {"Properties": top}}})

    assert merged["Resources"]["Handler"]["Properties"] == top


def test_the_template_itself_is_not_changed() -> None:
    merge(TEMPLATE, {"Resources": {"Handler": {"Properties": {"Timeout": 3}}}})

    assert TEMPLATE["Resources"]["Handler"]["Properties"]["Timeout"] == 10


def test_a_new_resource_needs_a_type() -> None:
    merged = merge(TEMPLATE, {"Resources": {"Table": {"Type": "AWS::DynamoDB::Table"}}})

    assert merged["Resources"]["Table"] == {"Type": "AWS::DynamoDB::Table"}


def test_a_mistyped_resource_is_an_error_that_names_it_and_those_that_exist() -> None:
    with pytest.raises(MergeError, match=r"'Handelr'.*Handler"):
        merge(TEMPLATE, {"Resources": {"Handelr": {"Properties": {"Timeout": 3}}}})
