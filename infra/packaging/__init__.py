"""Packaging: a service's sources and its lock become one zip and one plain CloudFormation template."""
