"""CloudFormation: the platform's templates, the parts that services share, and what is composed of them."""
