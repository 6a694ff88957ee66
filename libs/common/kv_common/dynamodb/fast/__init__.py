"""The fast way to DynamoDB: nine operations without botocore's layers; everything else goes to botocore."""
