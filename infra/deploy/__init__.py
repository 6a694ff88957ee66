"""Deployment: packages and templates become CloudFormation stacks, in AWS or in the local emulator alike."""
